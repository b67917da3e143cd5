// SPDX-License-Identifier: GPL-2.0-or-later
#include "sockets/top.h"

static int compare_sockets(const struct socket *a, const struct socket *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->protocol != b->protocol)
		return a->protocol < b->protocol ? -1 : 1;
	if (a->local_port != b->local_port)
		return a->local_port < b->local_port ? -1 : 1;
	if (a->remote_port != b->remote_port)
		return a->remote_port < b->remote_port ? -1 : 1;
	return memcmp(a->local, b->local, sizeof(a->local));
}

static int compare_rows(const void *a, const void *b)
{
	const struct sockets_row *x = a, *y = b;

	if (x->verdict.rank != y->verdict.rank)
		return x->verdict.rank > y->verdict.rank ? -1 : 1;
	if (x->space != y->space)
		return x->space < y->space ? -1 : 1;
	return compare_sockets(&x->socket, &y->socket);
}

static void swap(struct sockets_row *a, struct sockets_row *b)
{
	struct sockets_row keep = *a;

	*a = *b;
	*b = keep;
}

/* A parent comes after its children: item 0 is the last of all. */
static void sift_up(struct top *t, size_t i)
{
	struct sockets_row *rows = t->heap.items;

	while (i && compare_rows(&rows[i], &rows[(i - 1) / 2]) > 0) {
		swap(&rows[i], &rows[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

static void sift_down(struct top *t)
{
	struct sockets_row *rows = t->heap.items;
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < t->heap.n && compare_rows(&rows[child + 1], &rows[child]) > 0)
			child++;
		if (child >= t->heap.n || compare_rows(&rows[child], &rows[i]) <= 0)
			return;
		swap(&rows[i], &rows[child]);
		i = child;
	}
}

void top_offer(struct top *t, const struct sockets_row *row)
{
	if (!t->max)
		return;
	if (t->heap.n < t->max) {
		*vec_push(&t->heap) = *row;
		sift_up(t, t->heap.n - 1);
		return;
	}
	t->left++;
	if (compare_rows(row, &t->heap.items[0]) >= 0)
		return;
	t->heap.items[0] = *row;
	sift_down(t);
}

void top_sort(struct top *t)
{
	if (t->heap.n)
		qsort(t->heap.items, t->heap.n, sizeof(*t->heap.items), compare_rows);
}

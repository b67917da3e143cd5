// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Tells dropped packets one by one, as many as the token buckets let through. It counts nothing:
 * the program beside it does. What is read here is paid for by the packets that are told alone.
 */
#include "skb.bpf.h"

typedef struct {
	int counter;
} FIELDS_USED atomic_t;

struct inode {
	unsigned long i_ino;
} FIELDS_USED;

struct socket;

struct socket_alloc {
	struct inode vfs_inode;
} FIELDS_USED;

/* The rest of struct sock of skb.bpf.h. */
struct sock___buffers {
	struct {
		atomic_t rmem_alloc;
	} sk_backlog;
	int sk_rcvbuf, sk_sndbuf, sk_wmem_queued;
	struct socket *sk_socket;
} FIELDS_USED;

struct net_device___name {
	char name[16];
} FIELDS_USED;

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, EVENT_RING);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_HASH);
	__uint(max_entries, BUCKET_ENTRIES);
	__type(key, struct bucket_key);
	__type(value, struct bucket);
} buckets SEC(".maps");

/* A record is put together here: it is too large for the stack. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct event_record);
} scratch SEC(".maps");

bool enabled;
__u64 unbucketed __attribute__((aligned(64))); /* missed for want of a bucket */

const volatile bool with_stack, one_reason;
const volatile __u32 netns_wanted, ifindex_wanted, reason_wanted; /* 0: any, but for the reason */

static __always_inline struct bucket *bucket_of(__u64 location, __u32 reason)
{
	const struct bucket_key key = {.location = location, .reason = reason};
	const struct bucket empty = {};
	struct bucket *bucket = bpf_map_lookup_elem(&buckets, &key);

	if (bucket)
		return bucket;
	bpf_map_update_elem(&buckets, &key, &empty, BPF_NOEXIST);
	return bpf_map_lookup_elem(&buckets, &key);
}

/* The bucket is full at due_ns, and each packet puts that off by the time its token takes. */
static __always_inline bool take_token(struct bucket *bucket, __u64 now)
{
	__u64 due = bucket->due_ns > now ? bucket->due_ns : now;

	if (due - now > (EVENT_BURST - 1) * EVENT_PERIOD_NS)
		return false;
	bucket->due_ns = due + EVENT_PERIOD_NS;
	return true;
}

/* SOCK_INODE() of include/net/sock.h: the socket lies before its inode. */
static __always_inline void tell_socket(struct event_record *e, struct sock *at, bool receives)
{
	struct sock___buffers *sk = (void *)at;
	struct socket_alloc *alloc;

	e->protocol = BPF_CORE_READ(at, sk_protocol);
	if (receives) {
		e->buffer_used = BPF_CORE_READ(sk, sk_backlog.rmem_alloc.counter);
		e->buffer_limit = BPF_CORE_READ(sk, sk_rcvbuf);
	} else {
		e->buffer_used = BPF_CORE_READ(sk, sk_wmem_queued);
		e->buffer_limit = BPF_CORE_READ(sk, sk_sndbuf);
	}
	alloc = (void *)BPF_CORE_READ(sk, sk_socket);
	if (alloc)
		e->inode = BPF_CORE_READ(alloc, vfs_inode.i_ino);
}

static __always_inline void tell_bytes(struct event_record *e, struct sk_buff *skb,
				       const struct ip_part *ip)
{
	__u64 head = (__u64)BPF_CORE_READ(skb, head);
	__u32 tail = BPF_CORE_READ(skb, tail), from, link, n;

	e->has_network = ip->family != 0;
	from = (e->has_network ? ip->at : (__u64)BPF_CORE_READ(skb, data)) - head;
	link = link_header(skb, from);
	e->mac_header = from - link;
	e->network_at = e->has_network ? from - link : 0;
	e->captured = 0;
	if (link >= tail)
		return;
	n = tail - link;
	if (n > EVENT_BYTES)
		n = EVENT_BYTES;
	if (!bpf_probe_read_kernel(e->bytes, n, (void *)(head + link)))
		e->captured = n;
}

static __always_inline void tell_task(struct event_record *e)
{
	e->task_pid = bpf_get_current_pid_tgid() >> 32;
	if (bpf_get_current_comm(e->task_name, sizeof(e->task_name)))
		e->task_name[0] = '\0';
}

static __always_inline void tell_device(struct event_record *e, struct sk_buff *skb)
{
	struct net_device___name *dev = (void *)BPF_CORE_READ(skb, dev);

	e->device[0] = '\0';
	if (e->ifindex)
		bpf_core_read(e->device, sizeof(e->device), &dev->name);
}

static __always_inline void place_event(struct event_record *e, const struct drop_key *key)
{
	e->location = key->location;
	e->reason = key->reason;
	e->netns = key->netns;
	e->ifindex = key->ifindex;
	e->cookie = key->cookie;
	e->family = key->family;
	e->local_port = key->local_port;
	e->ethertype = key->ethertype;
	e->inode = 0;
	e->protocol = 0;
	e->buffer_used = e->buffer_limit = 0;
}

static __always_inline bool send_event(void *ctx, struct event_record *e)
{
	__u64 size = offsetof(struct event_record, bytes) + e->captured;
	long n;

	e->frames = 0;
	if (with_stack) {
		n = bpf_get_stack(ctx, e->stack, sizeof(e->stack), 0);
		if (n > 0)
			e->frames = n / sizeof(e->stack[0]);
		size = sizeof(*e);
	}
	/* The compiler would check another copy of it, and the verifier of 6.1 does not see why. */
	asm volatile("" : "+r"(size));
	if (size > sizeof(*e))
		return false;
	return !bpf_ringbuf_output(&ring, e, size, 0);
}

static __always_inline int tell(void *ctx, struct sk_buff *skb, __u64 location, __u32 reason,
				struct sock *rx_sk, const bool typed)
{
	struct drop_key key = {.location = location, .reason = reason};
	struct ip_part ip = {};
	struct event_record *e;
	struct bucket *bucket;
	const __u32 zero = 0;
	struct sock *sk;
	__u64 now;

	if (!enabled || (one_reason && reason != reason_wanted))
		return 0;
	key.ethertype = bpf_ntohs(READ(skb, protocol));
	sk = place(&key, skb, rx_sk, typed);
	if ((netns_wanted && key.netns != netns_wanted) ||
	    (ifindex_wanted && key.ifindex != ifindex_wanted))
		return 0;
	if (filtered) {
		read_ip(&ip, skb, key.ethertype, typed);
		if (is_meant(skb, &ip, typed) != MEANT)
			return 0;
	}
	bucket = bucket_of(location, reason);
	if (!bucket) {
		__sync_fetch_and_add(&unbucketed, 1);
		return 0;
	}
	now = bpf_ktime_get_ns();
	e = take_token(bucket, now) ? bpf_map_lookup_elem(&scratch, &zero) : NULL;
	if (!e) {
		bucket->missed++;
		return 0;
	}
	e->at_ns = now;
	place_event(e, &key);
	if (!filtered)
		read_ip(&ip, skb, key.ethertype, typed);
	e->length = READ(skb, len);
	e->segments = segments_of(skb, e->length, typed);
	tell_bytes(e, skb, &ip);
	tell_task(e);
	tell_device(e, skb);
	if (sk)
		tell_socket(e, sk, sk == rx_sk);
	if (!send_event(ctx, e))
		bucket->missed++;
	return 0;
}

#define TELL(skb, location, reason, rx_sk, typed) tell(ctx, skb, location, reason, rx_sk, typed)
ON_KFREE_SKB(TELL)

char LICENSE[] SEC("license") = "Dual BSD/GPL";

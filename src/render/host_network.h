/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the text and the JSON of the section "network" share. */
#ifndef WHYDROP_RENDER_HOST_NETWORK_H
#define WHYDROP_RENDER_HOST_NETWORK_H

#include "render/host.h"

/* Sources whose absence leaves something out. */
#define HOST_NETWORK_SOURCES                                                                       \
	(SOURCE_BIT(SRC_LINK) | SOURCE_BIT(SRC_ETHTOOL) | SOURCE_BIT(SRC_QUEUES) |                 \
	 SOURCE_BIT(SRC_INTERRUPTS) | SOURCE_BIT(SRC_SYSCTL))

/* The card below a device; NULL: none on PCI, or its driver does not tell. */
const struct host_card *host_card_of(const struct host_view *v, const struct nic *nic);
/* As `ethtool -k` shortens them, in the order of the stack; ends with a NULL name. */
struct host_offload {
	const char *name;
	enum nic_feature feature;
};
extern const struct host_offload host_offloads[];

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/* The tables and constructors through which libfabric's calls reach the files of this provider. */
#ifndef ORIEL_NODE_NODE_OPS_H
#define ORIEL_NODE_NODE_OPS_H

#include "provider/node/node.h"
#include "provider/node/node_provider.h"

extern struct fi_ops_msg node_msg_ops;       /* node_msg.c */
extern struct fi_ops_tagged node_tagged_ops; /* node_tagged.c */
extern struct fi_ops_rma node_rma_ops;       /* node_rma.c */
extern struct fi_ops_atomic node_atomic_ops; /* node_atomic.c */
extern struct fi_ops_mr node_mr_ops;         /* node_mr.c */

int node_domain_open(struct fid_fabric *fabric, struct fi_info *info, struct fid_domain **domain,
                     void *context);
int node_av_open(struct fid_domain *domain, struct fi_av_attr *attr, struct fid_av **av,
                 void *context);
int node_cq_open(struct fid_domain *domain, struct fi_cq_attr *attr, struct fid_cq **cq,
                 void *context);
int node_cntr_open(struct fid_domain *domain, struct fi_cntr_attr *attr, struct fid_cntr **cntr,
                   void *context);
int node_endpoint(struct fid_domain *domain, struct fi_info *info, struct fid_ep **ep,
                  void *context);
int node_query_atomic(struct fid_domain *domain, enum fi_datatype datatype, enum fi_op op,
                      struct fi_atomic_attr *attr, uint64_t flags);

/* A new endpoint shows what is registered in its domain (node_mr.c). */
void node_regions_show(struct node_ep *ep);
/* It is closed: nothing is open in its segment any more. */
void node_regions_hide(struct node_ep *ep);

#endif

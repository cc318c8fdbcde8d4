/* SPDX-License-Identifier: BSD-3-Clause */
/* provider/fabric's registered memory, over a domain that answers as the test says. */
#include <criterion/criterion.h>
#include <errno.h>

#include "provider/fabric/fabric_impl.h"

static int taken;        /* so many keys are in use */
static uint64_t keys[8]; /* that were asked for */
static int asked;

static int close_nothing(struct fid *fid)
{
    (void)fid;
    return 0;
}

static int reg(struct fid *fid, const void *buf, size_t len, uint64_t access, uint64_t offset,
               uint64_t key, uint64_t flags, struct fid_mr **mr, void *context)
{
    static struct fi_ops ops = {.size = sizeof(ops), .close = close_nothing};
    static struct fid_mr region = {.fid.ops = &ops};

    (void)fid, (void)buf, (void)len, (void)access, (void)offset, (void)flags, (void)context;
    cr_assert_lt(asked, 8);
    keys[asked++] = key;
    if (asked <= taken)
        return -FI_ENOKEY;
    region.key = key;
    *mr = &region;
    return 0;
}

static int open_region(int in_use, int mode, struct fabric_region **region)
{
    static struct fi_ops_mr ops = {.size = sizeof(ops), .reg = reg};
    static struct fid_domain domain = {.mr = &ops};
    static struct fi_domain_attr attr = {.mr_key_size = 2};
    static struct fi_fabric_attr fabric_attr = {.prov_name = "made-up"};
    static struct fi_info info = {.domain_attr = &attr, .fabric_attr = &fabric_attr};
    static char memory[8];

    attr.mr_mode = mode;
    fabric.ends[0] = (struct fabric_end){.open = true, .domain = &domain, .info = &info};
    taken = in_use;
    asked = 0;
    return fabric_region_open(memory, sizeof(memory), region);
}

/* Keys of few bits may be those of other regions. */
Test(region, draws_another_key)
{
    struct fabric_region *region;
    struct fabric_key key;

    cr_assert_eq(open_region(3, 0, &region), 0);
    cr_expect_eq(asked, 4);
    cr_expect(keys[0] != keys[1] || keys[1] != keys[2]);
    fabric_region_key(region, &key);
    cr_expect_eq(key.way[0].key, keys[3]);
    fabric_region_close(region);
}

Test(region, gives_up_some_time)
{
    struct fabric_region *region;

    cr_expect_eq(open_region(100, 0, &region), -EIO);
    cr_expect_gt(asked, 4);
    cr_expect_eq(open_region(100, FI_MR_PROV_KEY, &region), -EIO);
    cr_expect_eq(asked, 1);
}

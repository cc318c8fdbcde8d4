/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The provider stands alone: all of its archive is linked here with nothing of the core, so that a
 * call upwards is an undefined symbol. That it links is the test.
 */
int main(void)
{
    return 0;
}

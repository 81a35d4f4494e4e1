/* SPDX-License-Identifier: ISC */
/* Copyright (c) 2026 The appmsgd authors */

/*
 * Below all of worker/, since whoever accepts gives orders and whoever runs
 * carries them out.
 */

#include "config.h"

#include "daemon/worker/order.h"

#include <stdlib.h>

struct order *
order_new(enum order_kind kind)
{
	struct order *order = calloc(1, sizeof(*order));

	if (order != NULL)
		order->kind = kind;
	return order;
}

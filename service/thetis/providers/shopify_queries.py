"""What we ask Shopify's Admin API. A test says that every version Shopify serves understands it.

https://shopify.dev/docs/api/admin-graphql
"""

from __future__ import annotations

ORDER_FIELDS = """
fragment OrderFields on Order {
  id
  number
  email
  customer { defaultEmailAddress { emailAddress } }
  displayFinancialStatus
  totalOutstandingSet { shopMoney { amount } }
  test
  cancelledAt
  createdAt
  processedAt
  updatedAt
  lineItems(first: 5) { nodes { ...LineItemFields } pageInfo { hasNextPage endCursor } }
  refunds {
    id
    refundLineItems(first: 5) {
      nodes { ...RefundLineItemFields } pageInfo { hasNextPage endCursor }
    }
  }
  disputes { id initiatedAs status }
}
fragment LineItemFields on LineItem { id quantity currentQuantity product { id } }
fragment RefundLineItemFields on RefundLineItem { quantity lineItem { id } }
"""

ORDERS = (
    """
query ThetisOrders($first: Int!, $after: String, $query: String!) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    nodes { ...OrderFields }
    pageInfo { hasNextPage endCursor }
  }
}
"""
    + ORDER_FIELDS
)

ORDER = (
    """
query ThetisOrder($id: ID!) {
  order(id: $id) { ...OrderFields }
}
"""
    + ORDER_FIELDS
)

MORE_LINE_ITEMS = """
query ThetisLineItems($id: ID!, $after: String) {
  order(id: $id) {
    lineItems(first: 250, after: $after) {
      nodes { ...LineItemFields } pageInfo { hasNextPage endCursor }
    }
  }
}
fragment LineItemFields on LineItem { id quantity currentQuantity product { id } }
"""

MORE_REFUND_LINE_ITEMS = """
query ThetisRefundLineItems($id: ID!, $after: String) {
  refund(id: $id) {
    refundLineItems(first: 250, after: $after) {
      nodes { ...RefundLineItemFields } pageInfo { hasNextPage endCursor }
    }
  }
}
fragment RefundLineItemFields on RefundLineItem { quantity lineItem { id } }
"""

ORDER_COUNT = """
query ThetisOrderCount($query: String!) {
  ordersCount(query: $query, limit: null) { count }
}
"""

NEWEST_ORDER = """
query ThetisNewestOrder {
  orders(first: 1, sortKey: CREATED_AT, reverse: true) {
    nodes { id email createdAt updatedAt customer { defaultEmailAddress { emailAddress } } }
  }
}
"""

SHOP = """
query ThetisShop {
  shop { name myshopifyDomain currencyCode }
  publicApiVersions { handle supported }
}
"""

SCOPES = "query ThetisScopes { currentAppInstallation { accessScopes { handle } } }"

PRODUCTS = """
query ThetisProducts($ids: [ID!]!) {
  nodes(ids: $ids) { ... on Product { id title } }
}
"""

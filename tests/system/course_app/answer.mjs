// The course app as a browser runs it, without the browser: supabase-js, and the files that developers
// copy, compiled into the folder that the first argument names. Reads a question as JSON from each
// line of its input and answers with a line of JSON.

import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import { createClient } from '@supabase/supabase-js'
import { createElement } from 'react'
import { create } from 'react-test-renderer'
import WebSocket from 'ws'

const compiled = createRequire(`${process.argv[2]}/`)
const files = ['purchases', 'claim', 'addresses', 'signIn', 'support']
const page = Object.assign({}, ...files.map((name) => compiled(`./${name}`)))
const { usePurchases } = compiled('./usePurchases')

// A client that finds the session where a browser keeps it: Auth itself is not there.
function client({ url, key, token, userId }) {
  const stored = token && {
    access_token: token,
    refresh_token: 'made-up',
    token_type: 'bearer',
    expires_at: Math.floor(Date.now() / 1000) + 3600,
    user: { id: userId },
  }
  const storage = { getItem: () => stored && JSON.stringify(stored), setItem() {}, removeItem() {} }
  return createClient(url, key, {
    auth: { storage, autoRefreshToken: false, detectSessionInUrl: false },
    realtime: { transport: WebSocket },
  })
}

const from = (supabase, { table, schema = 'public' }) => supabase.schema(schema).from(table)

const calls = {
  rpc: (supabase, { name, args }) => supabase.rpc(name, args),
  select: (supabase, where) => from(supabase, where).select(),
  insert: (supabase, where) => from(supabase, where).insert(where.row),
  upsert: (supabase, where) => from(supabase, where).upsert(where.row),
  update: (supabase, where) => from(supabase, where).update(where.row).neq(where.column, '0'),
  delete: (supabase, where) => from(supabase, where).delete().neq(where.column, '0'),
  ...Object.fromEntries(
    Object.entries(page).map(([name, called]) => [
      name,
      async (supabase, { args = [] }) => ({ data: await called(supabase, ...args) }),
    ])
  ),
  // The hook, in the one page that this app has, and what the page has shown so far.
  showPage(supabase, { userId }) {
    shown = []
    const element = createElement(Page, { supabase, userId })
    if (root) root.update(element)
    else root = create(element)
    return {}
  },
  refreshPage() {
    hook.refresh()
    return {}
  },
  pageHasShown: () => ({ data: shown }),
}

let root, hook, shown

function Page({ supabase, userId }) {
  hook = usePurchases(supabase, userId)
  shown.push({
    purchases: hook.purchases.map((purchase) => purchase.product_slug),
    standard: hook.hasAccess('standard'),
    isKnown: hook.isKnown,
    isLoading: hook.isLoading,
    error: hook.error && hook.error.code,
  })
  return null
}

const clients = new Map()

function clientOf(user) {
  const name = JSON.stringify(user)
  if (!clients.has(name)) clients.set(name, client(user))
  return clients.get(name)
}

async function answer({ user, call, ...details }) {
  try {
    const { data, error } = await calls[call](clientOf(user), details)
    return error ? { code: error.code, message: error.message } : { data }
  } catch (error) {
    return { code: error.code ?? error.name, message: error.message }
  }
}

for await (const question of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await answer(JSON.parse(question))))
}

// The live rows of the database.
import { byId, make, renew } from './dom.js'

const GOOD = new Set(['active', 'sent'])
const BAD = new Set(['refunded', 'cancelled', 'dead'])

const chip = (status) => {
  const mood = GOOD.has(status) ? ' good' : BAD.has(status) ? ' bad' : ''
  return make('span', { className: `chip${mood}` }, status)
}

const TABLES = {
  purchases: {
    title: 'Purchases',
    empty: 'No purchases.',
    columns: {
      Order: (row) => row.order_number ?? '–',
      Product: (row) => row.product,
      Address: (row) => row.address,
      Status: (row) => chip(row.status),
      Owner: (row) => row.owner ?? 'nobody yet',
    },
  },
  notifications: {
    title: 'Notifications',
    empty: 'No notifications.',
    columns: {
      Kind: (row) => row.kind,
      By: (row) => row.provider,
      To: (row) => row.address,
      Status: (row) => chip(row.status),
      Attempts: (row) => row.attempts,
    },
  },
  accounts: {
    title: 'Accounts',
    empty: 'No accounts.',
    columns: {
      Address: (row) => row.email,
      Confirmed: (row) => (row.is_confirmed ? 'yes' : 'not yet'),
      Staff: (row) => row.staff || '–',
    },
  },
}

const known = {}

export function drawRows(name, rows) {
  const { title, empty, columns } = TABLES[name]
  const keyOf = (row) => row.id ?? row.email
  renew(byId(name), rows, (isFirst) => {
    const seen = (known[name] ??= new Set())
    const table = make(
      'table',
      {},
      make('caption', {}, title),
      make('thead', {}, make('tr', {}, ...Object.keys(columns).map((head) => make('th', { scope: 'col' }, head)))),
      make(
        'tbody',
        {},
        ...rows.map((row) => {
          const isNew = !isFirst && !seen.has(keyOf(row))
          seen.add(keyOf(row))
          const cells = Object.values(columns).map((cell) => make('td', {}, cell(row)))
          return make('tr', { className: isNew ? 'is-new' : '' }, ...cells)
        }),
      ),
    )
    const frame = make('div', { className: 'scroll', tabIndex: 0, role: 'region', aria: { label: title } }, table)
    return rows.length ? [frame] : [make('p', { className: 'card empty' }, empty)]
  })
}

// The pretend shop: buying, and what becomes of an order.
import { ask, byId, make, renew, tell, trouble } from './dom.js'

const wanted = new URLSearchParams(location.search).get('buy')

export function drawProducts(products) {
  renew(byId('products'), products, () =>
    products.map(({ slug, name, price, shopify_id: id }, place) =>
      make(
        'label',
        {},
        make('input', {
          type: 'checkbox',
          name: 'product',
          value: id,
          checked: wanted ? slug === wanted : place === 0,
        }),
        make('span', {}, name),
        make('span', { className: 'price' }, `$${price}`),
      ),
    ),
  )
}

export function drawAccounts(accounts) {
  const confirmed = accounts.filter((each) => each.is_confirmed && !each.staff)
  const select = byId('account')
  const chosen = select.value
  renew(select, confirmed, () => confirmed.map(({ email }) => make('option', { value: email }, email)))
  if (chosen) select.value = chosen
  const customer = document.querySelector('input[value="customer"]')
  customer.disabled = !confirmed.length
  if (customer.disabled) document.querySelector('input[value="guest"]').checked = true
  showWho()
}

function showWho() {
  const isCustomer = document.querySelector('input[value="customer"]').checked
  byId('account').hidden = !isCustomer
  byId('email').hidden = byId('email-label').hidden = isCustomer
  byId('email').disabled = isCustomer
}

async function acted(words, act) {
  try {
    const order = await act()
    const last = order.webhooks.at(-1)
    trouble('')
    tell(`${words}: ${last.topic} was answered ${last.outcome}`)
  } catch (error) {
    trouble(error.message)
  }
  document.dispatchEvent(new Event('acted'))
}

export function wireShop() {
  for (const radio of document.querySelectorAll('input[name="who"]')) radio.onchange = showWho
  byId('buy').onsubmit = (event) => {
    event.preventDefault()
    const form = new FormData(event.target)
    const email = form.get('who') === 'customer' ? form.get('account') : form.get('email')
    acted('Bought', () => ask('/dev/orders', { email, products: form.getAll('product') }))
  }
}

const ACTS = {
  address: ['Edit address', 'The customer’s address', 'Save'],
  refund: ['Refund', 'Give money back', 'Refund'],
  cancel: ['Cancel', 'Cancel the order?', 'Cancel the order'],
  chargeback: ['Chargeback', 'The bank takes the money back', 'Tell it'],
  won: ['Chargeback won', 'The bank gives the money again', 'Tell it'],
  repeat: ['Send again', 'Shopify sends its last word again', 'Send'],
}

export function drawOrders(orders) {
  renew(byId('orders'), orders, () =>
    orders.length ? orders.map(order) : [make('li', { className: 'card empty' }, 'Nobody has bought anything yet.')],
  )
}

function order(facts) {
  const { id, number, email, lines, webhooks, is_cancelled: isCancelled } = facts
  const { is_disputed: isDisputed } = facts
  const left = Object.entries(ACTS).filter(([act]) => act !== (isDisputed ? 'chargeback' : 'won'))
  return make(
    'li',
    { className: 'card order' },
    make(
      'header',
      {},
      make('strong', {}, `#${number}`),
      make('span', { className: 'address' }, email),
      isCancelled ? make('span', { className: 'chip bad' }, 'cancelled') : null,
      isDisputed ? make('span', { className: 'chip bad' }, 'disputed') : null,
    ),
    make(
      'ul',
      { className: 'lines' },
      ...lines.map((line) => make('li', { className: line.went_back ? 'gone' : '' }, line.title)),
    ),
    make(
      'div',
      { className: 'acts' },
      ...left.map(([act, [words]]) =>
        make(
          'button',
          {
            className: 'button',
            type: 'button',
            data: { key: `${id} ${act}`, act },
            aria: { label: `${words}, order #${number}` },
            onclick: () => confirmed(act, facts),
          },
          words,
        ),
      ),
    ),
    make(
      'details',
      { className: 'webhooks', data: { key: id } },
      make('summary', { data: { key: `${id} webhooks` } }, `${webhooks.length} webhooks sent`),
      make('ol', {}, ...webhooks.map((each) => make('li', {}, `${each.topic}: ${each.status} ${each.outcome}`))),
    ),
  )
}

function confirmed(act, { id, number, email, lines }) {
  const [, title, yes] = ACTS[act]
  const dialog = byId('ask')
  const isAddress = act === 'address'
  const kept = lines.filter((line) => !line.went_back)
  byId('ask-title').textContent = `${title} (#${number})`
  byId('ask-yes').textContent = yes
  byId('ask-words').textContent = 'Address'
  byId('ask-label').hidden = !isAddress
  byId('ask-input').type = 'email'
  byId('ask-input').required = isAddress
  byId('ask-input').disabled = !isAddress
  byId('ask-input').value = isAddress ? email : ''
  byId('ask-choose-label').hidden = act !== 'refund'
  byId('ask-choice').replaceChildren(
    make('option', { value: '' }, 'All of it'),
    ...(kept.length > 1 ? kept.map((line) => make('option', { value: line.id }, line.title)) : []),
  )
  dialog.onclose = () => {
    if (dialog.returnValue !== 'yes') return
    const body = { email: byId('ask-input').value, product: byId('ask-choice').value || null }
    acted(title, () => ask(`/dev/orders/${id}/${act}`, body))
  }
  dialog.returnValue = ''
  dialog.showModal()
}

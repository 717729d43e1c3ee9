// The page of `make dev`: asks once a second how things are, and draws what changed.
import { byId, trouble } from './dom.js'
import { drawMails, wireMailbox } from './mailbox.js'
import { drawRows } from './rows.js'
import { drawAccounts, drawOrders, drawProducts, wireShop } from './shop.js'

const EVERY = 1000

let isAway = false

async function look() {
  try {
    const answer = await fetch('/dev/state')
    if (!answer.ok) throw new Error(`the answer is ${answer.status}`)
    draw(await answer.json())
    if (isAway) trouble('')
    isAway = false
  } catch (error) {
    isAway = true
    trouble(`make dev does not answer (${error.message}). It may have been stopped.`)
  }
}

function draw(state) {
  byId('to-app').href = state.app_url
  byId('to-support').href = `${state.app_url}/support`
  drawProducts(state.products)
  drawAccounts(state.accounts)
  drawOrders(state.orders)
  drawMails(state.mails)
  for (const name of ['purchases', 'notifications', 'accounts']) drawRows(name, state[name])
}

async function keepLooking() {
  await look()
  setTimeout(keepLooking, EVERY)
}

wireShop()
wireMailbox()
document.addEventListener('acted', look)
keepLooking()

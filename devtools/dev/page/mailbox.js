// The mailbox: a list, and one email opened beside or below it.
import { byId, make, renew } from './dom.js'

let opened = null
let latest = []

const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })

export function drawMails(mails) {
  latest = mails
  const people = [...new Set(mails.map((mail) => mail.to))].sort()
  const filter = byId('mail-filter')
  const chosen = filter.value
  renew(filter, people, () => [
    make('option', { value: '' }, 'Everybody’s mail'),
    ...people.map((to) => make('option', { value: to }, to)),
  ])
  filter.value = people.includes(chosen) ? chosen : ''
  draw()
}

function draw() {
  const to = byId('mail-filter').value
  const listed = latest.filter((mail) => !to || mail.to === to)
  renew(byId('mails'), [listed, opened], () =>
    listed.length ? listed.map(item) : [make('li', { className: 'card empty' }, 'No email yet.')],
  )
}

function item(mail) {
  const when = mail.later ? `in ${mail.later} ${mail.later === 1 ? 'day' : 'days'}` : mail.sender
  return make(
    'li',
    { className: mail.is_stopped ? 'is-stopped' : '' },
    make(
      'button',
      {
        type: 'button',
        data: { key: mail.id, sender: mail.sender, to: mail.to },
        aria: { current: mail.id === opened },
        onclick: () => open(mail),
      },
      make('span', { className: 'subject' }, mail.subject),
      make('span', { className: mail.is_stopped ? 'chip bad' : 'chip' }, mail.is_stopped ? 'stopped' : when),
      make('span', { className: 'quiet to address' }, `${mail.to} · ${time.format(new Date(mail.at))}`),
    ),
  )
}

function open(mail) {
  opened = mail.id
  const later = mail.later ? ` It would come ${mail.later} days after the order.` : ''
  byId('reader').hidden = false
  byId('reader-subject').textContent = mail.subject
  byId('reader-about').textContent = `By ${mail.sender} to ${mail.to}.${later}`
  byId('reader-frame').src = `/dev/mails/${mail.id}/html`
  byId('reader-code').replaceChildren(...(mail.code ? code(mail.code) : []))
  draw()
}

function code(digits) {
  const copy = make('button', { type: 'button', className: 'button' }, 'Copy')
  copy.onclick = async () => {
    await navigator.clipboard.writeText(digits)
    copy.textContent = 'Copied'
  }
  return [make('strong', { data: { code: digits } }, digits), copy]
}

export function wireMailbox() {
  byId('mail-filter').onchange = draw
}

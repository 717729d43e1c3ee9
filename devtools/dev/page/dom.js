// Small helpers to make elements and to renew lists without losing the focus.

export const byId = (id) => document.getElementById(id)

export function make(tag, properties = {}, ...children) {
  const { data = {}, aria = {}, ...plain } = properties
  const element = Object.assign(document.createElement(tag), plain)
  Object.assign(element.dataset, data)
  for (const [name, value] of Object.entries(aria)) element.setAttribute(`aria-${name}`, value)
  element.append(...children.filter((child) => child !== null && child !== undefined))
  return element
}

const shown = new Map()

// Draws anew only what changed. What had the focus has it again, by its data-key.
export function renew(container, facts, draw) {
  const words = JSON.stringify(facts)
  if (shown.get(container) === words) return
  const isFirst = !shown.has(container)
  shown.set(container, words)
  const focused = container.contains(document.activeElement)
    ? document.activeElement.dataset.key
    : undefined
  const open = new Set([...container.querySelectorAll('details[open]')].map((each) => each.dataset.key))
  container.replaceChildren(...draw(isFirst))
  for (const each of container.querySelectorAll('details')) each.open = open.has(each.dataset.key)
  if (focused) container.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus()
}

export async function ask(path, body) {
  const answer = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const told = await answer.json()
  if (!answer.ok) throw new Error(told.error ?? `the answer is ${answer.status}`)
  return told
}

// What a screen reader should hear.
export function tell(words) {
  byId('told').textContent = words
}

export function trouble(words) {
  byId('trouble').textContent = words
  byId('trouble').hidden = !words
}

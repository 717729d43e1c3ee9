// A router by the history of the browser: the app has six paths.
import { useSyncExternalStore } from 'react'
import type { AnchorHTMLAttributes, MouseEvent } from 'react'

const listeners = new Set<() => void>()
const tell = () => listeners.forEach((listener) => listener())
addEventListener('popstate', tell)

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

const address = () => location.pathname + location.search

export function useAddress(): URL {
  return new URL(useSyncExternalStore(subscribe, address), location.origin)
}

export function navigate(to: string, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState'](null, '', to)
  tell()
  if (!replace) scrollTo(0, 0)
}

// Only a path of ours: `//elsewhere.example` would lead away from here.
export const ownPath = (path: string | null) => (path && /^\/(?![/\\])/.test(path) ? path : '/')

export const signInPath = (next: string) => `/sign-in?next=${encodeURIComponent(next)}`

type LinkProps = AnchorHTMLAttributes<HTMLAnchorElement> & { href: string }

export function Link({ href, ...rest }: LinkProps) {
  function follow(event: MouseEvent) {
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    navigate(href)
  }
  return <a href={href} onClick={follow} {...rest} />
}

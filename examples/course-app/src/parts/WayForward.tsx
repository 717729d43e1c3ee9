import { Link, signInPath } from '../router'
import { buyUrl, supportEmail } from '../settings'
import type { Purchase } from '../thetis/purchases'
import { whyClosed } from '../why'

type Props = { slug: string; name: string; purchases: Purchase[]; email: string | null }

// Why a course is not open, and what to do about it.
export function WayForward({ slug, name, purchases, email }: Props) {
  const buy = buyUrl(slug)
  if (email === null) {
    return (
      <div className="actions">
        {buy && <Buy url={buy} name={name} label="Buy" />}
        <Link href={signInPath(`/courses/${slug}`)}>
          Sign in to open it<span className="only-heard"> ({name})</span>
        </Link>
      </div>
    )
  }
  const why = whyClosed(slug, purchases, email)
  return (
    <>
      <p className="why">{why.words}</p>
      <div className="actions">
        {buy && <Buy url={buy} name={name} label={why.next === 'buy' ? 'Buy' : 'Buy again'} />}
        {why.next === 'buy' && (
          <Link href="/claim">
            Bought with another address?<span className="only-heard"> ({name})</span>
          </Link>
        )}
        {why.next !== 'buy' && supportEmail && (
          <a href={`mailto:${supportEmail}?subject=${encodeURIComponent(name)}`}>
            Write to us<span className="only-heard"> about {name}</span>
          </a>
        )}
      </div>
    </>
  )
}

function Buy({ url, name, label }: { url: string; name: string; label: string }) {
  return (
    <a className="button" href={url}>
      {label}
      <span className="only-heard"> {name}</span>
    </a>
  )
}

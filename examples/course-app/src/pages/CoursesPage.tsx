import { Bones, Failure, Notice, Page, Stale } from '../parts/Page'
import { WayForward } from '../parts/WayForward'
import { courseWords, knownCourses } from '../courses'
import { Link } from '../router'
import { useSession } from '../session'
import type { Purchase } from '../thetis/purchases'
import { listProducts } from '../thetis/purchases'
import { usePurchases } from '../thetis/usePurchases'
import { useQuestion, useReminder } from '../useQuestion'

export function CoursesPage() {
  const { user } = useSession()
  const lead = user ? 'What is yours comes first.' : 'Learn at your own pace, on any device.'
  return (
    <Page title="Courses" lead={lead} isWide>
      {user ? <Catalogue userId={user.id} email={user.email ?? ''} /> : <Preview />}
    </Page>
  )
}

// Visitors may not ask the database: they see what the app itself knows.
function Preview() {
  return (
    <>
      <Notice>
        <p>Bought a course already? It opens with the address that you used at checkout.</p>
        <Link className="button primary" href="/claim">
          Open your course
        </Link>
      </Notice>
      <ul className="cards">
        {knownCourses.map(({ slug, name, summary }) => (
          <CourseCard key={slug} slug={slug} name={name} summary={summary} purchases={[]} />
        ))}
      </ul>
    </>
  )
}

function Catalogue({ userId, email }: { userId: string; email: string }) {
  const { supabase } = useSession()
  const sold = useQuestion(() => listProducts(supabase), userId)
  const bought = usePurchases(supabase, userId)
  useReminder(bought.refresh, 30)

  // what is open, what was, and the rest
  function rank({ slug, isOpen }: { slug: string; isOpen: boolean }): number {
    if (isOpen) return 0
    return bought.purchases.some(({ product_slug }) => product_slug === slug) ? 1 : 2
  }

  const error = sold.error ?? bought.error
  function retry() {
    sold.again()
    bought.refresh()
  }
  if (sold.state === 'error') return <Failure error={sold.error} retry={retry} />
  if (sold.state === 'loading' || bought.isLoading) return <LoadingCards />
  if (bought.error && !bought.isKnown) return <Failure error={bought.error} retry={retry} />

  const courses = sold.answer
    .filter(({ category }) => category === 'course')
    .map(({ slug, name }) => ({ slug, name, isOpen: bought.accessible.includes(slug) }))
    .sort((one, other) => rank(one) - rank(other))
  if (!courses.length) {
    return <Notice>There are no courses yet. Come back soon.</Notice>
  }
  return (
    <>
      <Stale error={error} retry={retry} />
      <ul className="cards">
        {courses.map(({ slug, name, isOpen }) => (
          <CourseCard
            key={slug}
            slug={slug}
            name={name}
            summary={courseWords(slug).summary}
            purchases={bought.purchases}
            email={email}
            isOpen={isOpen}
          />
        ))}
      </ul>
    </>
  )
}

type CardProps = {
  slug: string
  name: string
  summary: string
  purchases: Purchase[]
  email?: string
  isOpen?: boolean
}

function CourseCard({ slug, name, summary, purchases, email, isOpen = false }: CardProps) {
  return (
    <li>
      <article className={isOpen ? 'card card-open' : 'card'} aria-labelledby={`course-${slug}`}>
        {email !== undefined && (
          <p className={isOpen ? 'badge badge-good' : 'badge'}>{isOpen ? 'Open' : 'Not open'}</p>
        )}
        <h2 id={`course-${slug}`}>{name}</h2>
        <p className="summary">{summary}</p>
        {isOpen ? (
          <div className="actions">
            <Link className="button primary" href={`/courses/${slug}`}>
              Open<span className="only-heard"> {name}</span>
            </Link>
          </div>
        ) : (
          <WayForward slug={slug} name={name} purchases={purchases} email={email ?? null} />
        )}
      </article>
    </li>
  )
}

function LoadingCards() {
  return (
    <div role="status" aria-label="Loading">
      <ul className="cards">
        {knownCourses.map(({ slug }) => (
          <li key={slug} className="card">
            <Bones lines={4} />
          </li>
        ))}
      </ul>
    </div>
  )
}

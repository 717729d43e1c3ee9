import { Failure, Page, SignInFirst, Skeleton, Stale } from '../parts/Page'
import { Film } from '../parts/Film'
import { WayForward } from '../parts/WayForward'
import { courseWords } from '../courses'
import { Link } from '../router'
import { useSession } from '../session'
import { bucket } from '../settings'
import { listPurchases, listProducts, mayOpen } from '../thetis/purchases'
import { useQuestion, useReminder } from '../useQuestion'

export function LessonPage({ slug }: { slug: string }) {
  const { user } = useSession()
  const { name } = courseWords(slug)
  if (!user) return <SignInFirst title={name} />
  return <Course slug={slug} userId={user.id} email={user.email ?? ''} />
}

type Props = { slug: string; userId: string; email: string }

// Whether it may be opened is asked at each opening, and again while it is open: a refund counts
// at once.
function Course({ slug, userId, email }: Props) {
  const { supabase } = useSession()
  const asked = useQuestion(async () => {
    const [isOpen, products] = await Promise.all([mayOpen(supabase, slug), listProducts(supabase)])
    const product = products.find((each) => each.slug === slug)
    const purchases = isOpen ? [] : await listPurchases(supabase)
    return { isOpen, product, purchases }
  }, `${userId} ${slug}`)
  useReminder(asked.again, 30)

  const { name } = courseWords(slug, asked.answer?.product?.name)
  if (asked.state === 'loading') return <Skeleton lines={6} title={name} />
  if (asked.state === 'error') {
    return (
      <Page title={name}>
        <Failure error={asked.error} retry={asked.retry} />
      </Page>
    )
  }
  const { isOpen, product, purchases } = asked.answer
  if (isOpen) {
    return (
      <Page title={name} lead={courseWords(slug).summary}>
        <Stale error={asked.error} retry={asked.again} />
        <Lessons slug={slug} />
        <AllCourses />
      </Page>
    )
  }
  if (!product) {
    return (
      <Page title="There is no such course">
        <AllCourses />
      </Page>
    )
  }
  return (
    <Page title={name}>
      <p className="lead">This course is not open for you.</p>
      <WayForward slug={slug} name={name} purchases={purchases} email={email} />
      <AllCourses />
    </Page>
  )
}

function Lessons({ slug }: { slug: string }) {
  const { lessons } = courseWords(slug)
  if (!lessons.length) return <p>The first lessons come soon.</p>
  return (
    <ol className="lessons">
      {lessons.map(({ file, title, minutes, text }) => (
        <li key={file}>
          <h2>{title}</h2>
          <p className="small">{minutes} minutes</p>
          <p>{text}</p>
          {bucket && <Film bucket={bucket} path={`${slug}/${file}.mp4`} title={title} />}
        </li>
      ))}
    </ol>
  )
}

const AllCourses = () => (
  <p>
    <Link href="/">All courses</Link>
  </p>
)

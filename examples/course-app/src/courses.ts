// What the app itself says of the courses. It is no secret: everybody can read what a browser was
// sent. What is paid for belongs into the bucket, see README.md.
import type { CourseSlug } from './thetis/purchases'

export type Lesson = { file: string; title: string; minutes: number; text: string }
export type CourseWords = { name: string; summary: string; lessons: Lesson[] }

const WORDS: Record<CourseSlug, CourseWords> = {
  essentials_course: {
    name: 'Essentials Course',
    summary: 'The first steps: what to do, and what to leave alone.',
    lessons: [
      lesson('welcome', 'Welcome', 4, 'How this course works, and what you need beside it.'),
      lesson('first-week', 'The first week', 12, 'A short plan for each day, with time to rest.'),
    ],
  },
  standard_course: {
    name: 'Standard Course',
    summary: 'The whole way in twelve weeks, with an exercise for each day.',
    lessons: [
      lesson('welcome', 'Welcome', 5, 'How this course works, and what you need beside it.'),
      lesson('first-week', 'The first week', 14, 'A short plan for each day, with time to rest.'),
      lesson('strength', 'Getting stronger', 18, 'Exercises that need a chair and a wall.'),
      lesson('back', 'Back to everyday life', 16, 'Stairs, shoes, and the first long walk.'),
    ],
  },
  premium_course: {
    name: 'Premium Course',
    summary: 'The Standard Course, and answers to the questions that come up on the way.',
    lessons: [
      lesson('welcome', 'Welcome', 5, 'How this course works, and how to ask.'),
      lesson('first-week', 'The first week', 14, 'A short plan for each day, with time to rest.'),
      lesson('questions', 'Questions of others', 22, 'What most people ask, and what helped.'),
    ],
  },
  professionals_course: {
    name: 'Professionals Course',
    summary: 'For those who treat others: the method, the evidence, and material to hand out.',
    lessons: [
      lesson('method', 'The method', 25, 'What we do, in which order, and why.'),
      lesson('material', 'Material', 8, 'Sheets that you may hand out.'),
    ],
  },
}

function lesson(file: string, title: string, minutes: number, text: string): Lesson {
  return { file, title, minutes, text }
}

export const knownCourses = Object.entries(WORDS).map(([slug, words]) => ({ slug, ...words }))

// A course that is new in the catalogue is shown before anybody has written something of it.
export function courseWords(slug: string, name?: string): CourseWords {
  const known: Partial<Record<string, CourseWords>> = WORDS
  return known[slug] ?? { name: name ?? slug, summary: '', lessons: [] }
}

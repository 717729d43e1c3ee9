// Posts to Knock as jobs of graphile-worker: `add N` queues so many, `work` does them.

const { makeWorkerUtils, run } = require('graphile-worker')

const connectionString = process.env.DATABASE_URL
const url = `${process.env.KNOCK_BASE_URL}/v1/workflows/post-purchase/trigger`

async function post(payload, helpers) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: {
      Authorization: 'Bearer a-key',
      'Content-Type': 'application/json',
      'Idempotency-Key': `job-${helpers.job.id}`,
    },
    body: JSON.stringify(payload),
  })
  if (!answer.ok) throw new Error(`Knock answered ${answer.status}`)
  await answer.json()
}

async function add(count) {
  const utils = await makeWorkerUtils({ connectionString })
  await utils.migrate()
  await utils.withPgClient((client) =>
    client.query(
      `select graphile_worker.add_job('post', json_build_object(
         'recipients', json_build_array(json_build_object('id', email, 'email', email)),
         'cancellation_key', number::text,
         'data', json_build_object(
           'order_number', number::text,
           'products_ordered', array['splint'],
           'categories_ordered', array['device'])))
       from generate_series(1, $1::integer) as number,
       lateral (select 'customer-' || number || '@example.com' as email) as customer`,
      [count]
    )
  )
  await utils.release()
}

async function work() {
  await run({ connectionString, concurrency: 10, maxPoolSize: 10, taskList: { post } })
}

const [what, count] = process.argv.slice(2)
what === 'add' ? add(Number(count)) : work()

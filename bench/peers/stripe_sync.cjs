// Supabase's engine for Stripe's webhooks, behind the web server and with the settings that its own
// app gives it: ten connections, one log line for each event, and a 200 once the row is committed.
// https://github.com/supabase/stripe-sync-engine/tree/main/packages/fastify-app

const fastify = require('fastify')
const { StripeSync, runMigrations } = require('@supabase/stripe-sync-engine')
const { pino, stdTimeFunctions } = require('pino')

const databaseUrl = process.env.DATABASE_URL
const logger = pino({
  formatters: { level: (label) => ({ level: label }) },
  timestamp: stdTimeFunctions.isoTime,
})

async function main() {
  const app = fastify({
    loggerInstance: logger,
    disableRequestLogging: true,
    requestIdHeader: 'Request-Id',
  })
  const sync = new StripeSync({
    schema: 'stripe',
    stripeSecretKey: 'sk_test_nobody',
    stripeWebhookSecret: process.env.STRIPE_WEBHOOK_SECRET,
    stripeApiVersion: '2020-08-27',
    autoExpandLists: false,
    backfillRelatedEntities: true,
    revalidateObjectsViaStripeApi: [],
    poolConfig: { max: 10, connectionString: databaseUrl, keepAlive: true },
    logger,
  })

  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_, body, done) =>
    done(null, { raw: body })
  )
  app.get('/healthz', async () => ({ status: 'ok' }))
  app.post('/webhooks', async (request, reply) => {
    try {
      await sync.processWebhook(request.body.raw, request.headers['stripe-signature'])
    } catch (error) {
      logger.error(error, 'Webhook processing error')
      return reply.code(400).send(`Webhook Error: ${error.message}`)
    }
    return reply.send({ received: true })
  })

  await runMigrations({ databaseUrl, schema: 'stripe', logger })
  await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' })
}

main()

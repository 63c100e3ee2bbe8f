// Publishes records from standard input with kafkajs: produce SERVERS TOPIC PARTITION CODEC; or creates a topic:
// create SERVERS TOPIC PARTITIONS; or publishes a record in a transaction: transact SERVERS TOPIC. One record is one line of
// JSON; keys, values and header values are base64.
// kafkajs reads only as a member of a consumer group: member SERVERS GROUP TOPIC prints a line for each change of what it
// owns and for each record, and leaves when standard input ends.
import { createInterface } from 'node:readline'
import kafkajs from 'kafkajs'
import SnappyCodec from 'kafkajs-snappy'
import lz4 from 'lz4js'
import { compress, decompress, init } from '@bokuweb/zstd-wasm'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs
CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec
// The two codecs for which kafkajs has a place but no implementation that needs no compiler.
// lz4js says in its frame header that blocks depend on each other, which Kafka refuses; below 4 MiB there is only one block.
// So the header is rewritten: independent blocks (0x60), up to 4 MiB (0x70), and the checksum of those two bytes.
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async encoder => Buffer.concat([Buffer.from([0x04, 0x22, 0x4d, 0x18, 0x60, 0x70, 0x73]), lz4.compress(encoder.buffer).subarray(7)]),
  decompress: async buffer => Buffer.from(lz4.decompress(buffer)),
})
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async encoder => Buffer.from(compress(encoder.buffer, 3)),
  decompress: async buffer => Buffer.from(decompress(buffer)),
})
const codecs = {
  none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4, zstd: CompressionTypes.ZSTD,
}

const bytes = text => (text === null ? null : Buffer.from(text, 'base64'))

function message(line, partition) {
  const { key, value, headers, timestamp } = JSON.parse(line)
  const byName = {}
  for (const [name, content] of headers) (byName[name] ??= []).push(bytes(content))
  return { partition, key: bytes(key), value: bytes(value), headers: byName, timestamp: String(timestamp) }
}

async function produce(kafka, topic, partition, codec) {
  if (!(codec in codecs)) throw new Error(`unknown codec ${codec}`)
  await init()
  const messages = []
  for await (const line of createInterface({ input: process.stdin })) messages.push(message(line, Number(partition)))
  const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await producer.connect()
  await producer.send({ topic, messages, acks: -1, compression: codecs[codec] })
  await producer.disconnect()
}

async function transact(kafka, topic) {
  const producer = kafka.producer({ transactionalId: 'kafkajs', createPartitioner: kafkajs.Partitioners.DefaultPartitioner })
  await producer.connect()
  const transaction = await producer.transaction()
  await transaction.send({ topic, messages: [{ value: 'in a transaction' }] })
  await transaction.commit()
  await producer.disconnect()
}

async function create(kafka, topic, partitions) {
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: Number(partitions), replicationFactor: 1 }], waitForLeaders: true })
  const found = await admin.fetchTopicMetadata({ topics: [topic] })
  console.log(JSON.stringify({ topic, partitions: found.topics[0].partitions.length }))
  await admin.disconnect()
}

async function member(kafka, groupId, topic) {
  const say = line => process.stdout.write(JSON.stringify({ at: (performance.timeOrigin + performance.now()) / 1000, ...line }) + '\n')
  // Its own way to share (RoundRobinAssigner), which no other client knows.
  const consumer = kafka.consumer({ groupId, sessionTimeout: 6000, heartbeatInterval: 500, rebalanceTimeout: 10000 })
  let owned = []
  const own = partitions => {
    if (owned.length) say({ revoked: owned })
    if (partitions.length) say({ assigned: partitions })
    owned = partitions
  }
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => own(payload.memberAssignment[topic] ?? []))
  consumer.on(consumer.events.REBALANCING, () => own([]))
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommitInterval: 200,
    eachMessage: async ({ partition, message }) => say({ partition, offset: Number(message.offset), value: message.value.toString() }),
  })
  for await (const _ of process.stdin);
  await consumer.disconnect()
}

const commands = { produce, transact, create, member }
const [command, servers, ...rest] = process.argv.slice(2)
if (!(command in commands) || !servers) {
  console.error('usage: (produce SERVERS TOPIC PARTITION CODEC | transact SERVERS TOPIC | create SERVERS TOPIC PARTITIONS | member SERVERS GROUP TOPIC)')
  process.exit(2)
}
await commands[command](new Kafka({ brokers: [servers], clientId: 'kafkajs', logLevel: logLevel.ERROR, retry: { retries: 3 } }), ...rest)

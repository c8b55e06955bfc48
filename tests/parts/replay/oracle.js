// Reads views from stdin, {name, records} a line, and writes them as the vendor's own converter turns change records
// into the older dialect. Its release knows plain strings alone: roles are taken off, form values are left out.
const fs = require('fs')
const { createChangeConverter } = require(process.argv[2] + '/cjs/domain/record/serialization/conversions/index.js')
const LAST_KNOWN = 10, ROLE_STRINGS = 11
const plain = item => item[0] === ROLE_STRINGS ? item.slice(1).map(group => [0, ...group.slice(1)])
  : item[0] <= LAST_KNOWN ? [item] : []
for (const line of fs.readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const { name, records } = JSON.parse(line)
  let converter = createChangeConverter()
  const converted = records.map(record => {
    const full = record.type === 2 && record.format === 1
    if (!full && record.type !== 12) return record
    if (full) converter = createChangeConverter()
    return converter.convert({ ...record, data: record.data.flatMap(plain) })
  })
  fs.writeSync(1, JSON.stringify({ name, records: converted }) + '\n')
}

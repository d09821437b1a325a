/**
 * What a station's page is told (gateway/contract/stations.py, counts.py), as far as it shows it.
 *
 * @typedef {{putId: number, slotId: string, quantity: number, confirmed: number | null, state: string}} Put
 *
 * @typedef {object} Task
 * @property {number} allocationId
 * @property {number} workId
 * @property {string} orderNo
 * @property {string} skuId
 * @property {string} name
 * @property {readonly string[]} barcodes
 * @property {string} unit
 * @property {Record<string, unknown>} attributes
 * @property {string} lotNo
 * @property {string | null} expiryAt
 * @property {string | null} cell
 * @property {number} quantity
 * @property {number} picked
 * @property {number} short
 * @property {number} rest neither picked, nor in a hand, nor given up
 * @property {string | null} slotId
 * @property {boolean} serial
 * @property {"none" | "product" | "lot"} scan
 * @property {string | null} held
 * @property {readonly Put[]} puts lit
 * @property {readonly Put[]} ended
 *
 * @typedef {object} Operation
 * @property {number} operationId
 * @property {string} containerId
 * @property {string} locationId
 * @property {boolean} scanned
 * @property {readonly (readonly string[])[]} cells row by row
 * @property {readonly Task[]} tasks
 *
 * @typedef {{presentationId: number, containerId: string, destination: string, state: string, reason: string | null, units: number}} Coming
 * @typedef {{questionId: number, slotId: string, kind: string, putId: number | null, text: string, at: string}} Question
 *
 * @typedef {object} Box
 * @property {string} slotId
 * @property {number} workId
 * @property {string} orderNo
 * @property {number} quantity
 * @property {number} rest
 * @property {boolean} packed
 * @property {number} recalled
 * @property {boolean} complete
 *
 * @typedef {object} Replenishment
 * @property {number} replenishmentId
 * @property {string} skuId
 * @property {string} name
 * @property {readonly string[]} barcodes
 * @property {string} unit
 * @property {string} lotNo
 * @property {boolean} serial
 * @property {"none" | "product" | "lot"} scan
 * @property {string} sourceId
 * @property {string | null} locationId
 * @property {string} places
 * @property {string | null} targetId
 * @property {number} rest
 * @property {string} state
 * @property {string | null} operator
 *
 * @typedef {object} Transfer one lot of a transfer that is taken out of one container, and put where it goes
 * @property {number} taskId
 * @property {string} transferId
 * @property {string} skuId
 * @property {string} name
 * @property {readonly string[]} barcodes
 * @property {string} unit
 * @property {string} lotNo
 * @property {string | null} expiryAt
 * @property {boolean} serial
 * @property {"none" | "product" | "lot"} scan
 * @property {string} sourceId
 * @property {string | null} locationId
 * @property {string | null} stationId where its container stands
 * @property {string | null} target
 * @property {string | null} targetZone
 * @property {number} rest to be taken
 * @property {number} moving taken, and not yet where they go
 *
 * @typedef {object} CountLine
 * @property {number} lineId
 * @property {string} countId
 * @property {string} holderId
 * @property {string | null} locationId
 * @property {string} skuId
 * @property {string} name
 * @property {readonly string[]} barcodes
 * @property {string} unit
 * @property {string} lotNo
 * @property {boolean} serial
 * @property {number | null} unitsPerCase
 * @property {string} state
 * @property {number} [books] not told of a blind count
 *
 * @typedef {object} PutBack
 * @property {number} putBackId
 * @property {string} orderNo
 * @property {string} skuId
 * @property {string} [name]
 * @property {string} lotNo
 * @property {number} quantity
 * @property {readonly string[]} upns
 * @property {string | null} boxId
 * @property {string | null} fromHolder
 * @property {string} [recallId]
 *
 * @typedef {object} Station
 * @property {string} stationId
 * @property {string} name
 * @property {boolean} open
 * @property {string | null} operator
 * @property {string | null} reason
 * @property {string | null} wall
 * @property {readonly string[]} slots where containers stand
 * @property {readonly string[]} boxPlaces
 * @property {number | null} columns
 * @property {readonly Operation[]} operations
 * @property {readonly Coming[]} coming
 * @property {readonly Box[]} boxes
 * @property {readonly Question[]} questions
 * @property {readonly Replenishment[]} replenishments
 * @property {readonly CountLine[]} counts
 * @property {readonly PutBack[]} putBacks
 * @property {readonly Transfer[]} transfers
 */

export {};

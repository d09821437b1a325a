/**
 * The contract's shapes as far as this page reads them (`/openapi.json` has all of them).
 *
 * @typedef {"accepted" | "planned" | "executing" | "completed" | "failed" | "cancelled" | "unknown"} TransportStatus
 * @typedef {"retry" | "containerAt" | "completeAt" | "cancel"} OperatorAction
 *
 * @typedef {object} LaidLocation metres, y upwards
 * @property {string} locationId
 * @property {"storage" | "shelf" | "buffer" | "transfer" | "conveyor" | "station" | "node"} kind
 * @property {string} [zone]
 * @property {number} capacity
 * @property {number} x
 * @property {number} y
 * @property {number} z
 * @property {string} [rackId]
 * @property {number} [level] from 1, like side and column
 * @property {number} [side]
 * @property {number} [column]
 * @property {string} [node]
 *
 * @typedef {object} LaidRack
 * @property {string} rackId
 * @property {string} kind
 * @property {number} levels
 * @property {readonly string[]} sides
 * @property {number} columns
 *
 * @typedef {object} LaidNode
 * @property {string} nodeId
 * @property {number} x
 * @property {number} y
 * @property {"crossing" | "parking" | "charger"} use
 *
 * @typedef {object} LaidRoadMap
 * @property {string} roadMapId
 * @property {readonly LaidNode[]} nodes
 * @property {readonly {edgeId: string, start: string, end: string}[]} edges
 *
 * @typedef {object} LaidDevice
 * @property {string} deviceId
 * @property {"shuttle" | "lift" | "conveyor" | "putwall" | "vehicle"} kind
 * @property {string} linkId
 * @property {string} [fleetId]
 * @property {string} [roadMapId]
 * @property {readonly {rackId: string, levels: readonly number[]}[]} [racks]
 * @property {readonly string[]} [locations]
 * @property {readonly {source: string, target: string}[]} [segments]
 * @property {readonly string[]} [lights]
 *
 * @typedef {object} LaidStation
 * @property {string} stationId
 * @property {string} name
 * @property {readonly string[]} slots
 * @property {string} [putwall]
 *
 * @typedef {object} Layout
 * @property {string} siteId
 * @property {readonly LaidLocation[]} locations
 * @property {readonly LaidRack[]} racks
 * @property {readonly LaidRoadMap[]} roadMaps
 * @property {readonly LaidDevice[]} devices
 * @property {readonly LaidStation[]} stations
 *
 * @typedef {object} Position
 * @property {string} deviceId
 * @property {string} time
 * @property {number | null} x
 * @property {number | null} y
 * @property {number | null} z
 * @property {number | null} theta rad, from x to y
 * @property {string | null} locationId
 * @property {"empty" | "loaded" | "unknown"} load
 * @property {number | null} battery 0 … 1
 *
 * @typedef {object} Command
 * @property {number} jobId
 * @property {string} deviceId
 * @property {string} op
 * @property {string | null} source
 * @property {string | null} target
 * @property {string} status
 * @property {string | null} text
 * @property {string} issuedAt
 * @property {string | null} endedAt
 *
 * @typedef {object} Device
 * @property {string} deviceId
 * @property {string} kind
 * @property {boolean} enabled
 * @property {boolean} online
 * @property {string | null} offlineReason
 * @property {string | null} fault
 * @property {readonly string[]} containers
 * @property {readonly Command[]} commands
 * @property {{connected: boolean, latencyMs: number | null, lastHeardAt: string | null, errors: Record<string, number>} | null} link
 * @property {Position | null} position
 *
 * @typedef {object} Container
 * @property {string} containerId
 * @property {string} [locationId]
 * @property {string} [deviceId]
 * @property {string} [transportId]
 *
 * @typedef {object} Leg
 * @property {number} index
 * @property {string | null} source
 * @property {string} target
 * @property {string} carrierId
 * @property {string | null} deviceId
 * @property {string} status
 *
 * @typedef {object} Problem
 * @property {string} code
 * @property {string} title
 * @property {string} detail
 * @property {string} advice
 * @property {readonly OperatorAction[]} actions
 *
 * @typedef {object} Transport
 * @property {string} transportId
 * @property {string} containerId
 * @property {string} source
 * @property {string} destination
 * @property {number} priority
 * @property {TransportStatus} status
 * @property {boolean} cancelRequested
 * @property {string} createdAt
 * @property {string} updatedAt
 * @property {string | null} waiting
 * @property {Problem | null} problem
 * @property {readonly Leg[]} legs
 *
 * @typedef {object} TransportDetails
 * @property {readonly Command[]} commands
 * @property {readonly {seq: number, type: string, time: string, data: Record<string, any>}[]} timeline
 * @property {readonly {at: string, operator: string, reason: string, act: string}[]} acts
 *
 * @typedef {object} Alarm
 * @property {string} alarmId
 * @property {string} subject
 * @property {string} code
 * @property {string} text
 * @property {string} advice
 * @property {readonly OperatorAction[]} actions
 * @property {string} raisedAt
 *
 * @typedef {object} Block
 * @property {string} locationId
 * @property {string} reason
 * @property {string | null} operator who has locked it; null: a machine found it occupied
 *
 * @typedef {object} FeedEvent
 * @property {number} seq
 * @property {string} type
 * @property {string} subject
 * @property {string} time
 * @property {Record<string, any>} data
 *
 * @typedef {object} OrderException
 * @property {number} exceptionId
 * @property {string} orderNo
 * @property {string} kind
 * @property {string} text
 * @property {string} at
 * @property {readonly string[]} decisions
 *
 * @typedef {object} Message
 * @property {number} messageId
 * @property {string} topic
 * @property {string | null} orderNo
 * @property {number} attempts
 * @property {string | null} error
 * @property {string} createdAt
 * @property {number} waiting
 *
 * @typedef {object} Order
 * @property {number} orderId
 * @property {string} orderNo
 * @property {string} status
 * @property {number} statusCode
 * @property {number} priority
 * @property {number} quantity
 * @property {number} picked
 * @property {number} shipped
 * @property {number} short
 * @property {string | null} waiting
 * @property {string} createdAt
 * @property {string} updatedAt
 *
 * @typedef {object} Span
 * @property {number} count
 * @property {number} p50S
 * @property {number} p95S
 *
 * @typedef {object} Throughput
 * @property {number} hours
 * @property {Span | null} total
 * @property {readonly (Span & {fromCode: number, toCode: number})[]} stages
 *
 * @typedef {object} Performance
 * @property {number} shipped
 * @property {number | null} fulfilment
 * @property {number | null} accuracy
 * @property {number | null} shrinkage
 * @property {number} quantity
 */

export {};

/** What a person does when the gateway has said no: by the reason's code. */

import { speaking } from "./words.js";

const en = {
  wrongContainer: "Put it back, and scan the container that is shown. If this one stands there instead, reject it.",
  notScanned: "Scan the container first.",
  wrongProduct: "Put it back and take the product that is shown.",
  wrongLot: "Put it back and take the lot that is shown.",
  expired: "Put it aside: take another piece, or tell it as damaged.",
  wrongDate: "Look at the date on the goods. If it is not the one shown, put it aside and call the shift leader.",
  unreadable: "Scan once more, or another code on the goods.",
  scanNeeded: "Scan the goods: this product is not taken without.",
  wrongUnit: "Scan the piece that you have in your hand.",
  unknownUnit: "This number is not in this container. Put it aside and call the shift leader.",
  unitsMissing: "Scan the number of each piece.",
  oneAtATime: "Scan and put one piece at a time.",
  wrongSlot: "Put the pieces into the lit slot, and scan that.",
  tooMany: "Look how many are still shown, and put the rest back.",
  held: "This order waits for a person. Take something else, or let it go on.",
  notOpen: "Nothing more is wanted of it. Put it back; the page shows what is next.",
  hasEnded: "It is over already. The page shows what is next.",
  notDone: "Something is still to be done with it: the page shows what.",
  lit: "A slot is still lit. Press its button first.",
  recalled: "Take the recalled pieces out of the box first.",
  stock: "The books have something else here. Count it, or call the shift leader.",
  wrongPlace: "Take it to a place that is shown.",
  lotBarred: "Bring what you have of it back to where you took it, and end this.",
  claimed: "Somebody else is at it. Do something else.",
  samePerson: "Somebody else counts this a second time. Leave it.",
  beingMoved: "Put away what is in the hand first, then count.",
  otherPeople: "This count is for other people.",
  overtaken: "Somebody else was faster. The page shows what is next.",
  roleMissing: "You may not do this. Call somebody who may.",
};

/** @typedef {keyof typeof en} Refusal */

/** @type {Record<Refusal, string>} */
const zh = {
  wrongContainer: "请放回，扫描所示容器。如果该位置确实是这个容器，请登记为无法作业。",
  notScanned: "请先扫描容器。",
  wrongProduct: "请放回，拣取所示商品。",
  wrongLot: "请放回，拣取所示批次。",
  expired: "请放到一边：换一件，或登记破损。",
  wrongDate: "请核对商品上的日期。如与所示不符，放到一边并联系班组长。",
  unreadable: "请重新扫描，或扫描商品上的其他条码。",
  scanNeeded: "请扫描商品：此商品必须扫描。",
  wrongUnit: "请扫描手中的这一件。",
  unknownUnit: "此序列号不在该容器中。放到一边并联系班组长。",
  unitsMissing: "请逐件扫描序列号。",
  oneAtATime: "请一件一件扫描并放入。",
  wrongSlot: "请放入亮起的格口并扫描它。",
  tooMany: "请核对剩余数量，多余的放回。",
  held: "此订单已挂起。请处理其他任务，或让它继续。",
  notOpen: "不再需要。请放回，页面显示下一步。",
  hasEnded: "已经结束，页面显示下一步。",
  notDone: "还有未完成的任务，页面显示是什么。",
  lit: "还有格口亮着，请先按它的按钮。",
  recalled: "请先取出箱内的召回商品。",
  stock: "账面与此不符。请盘点，或联系班组长。",
  wrongPlace: "请放到所示的位置。",
  lotBarred: "请把手中的放回原处，并结束此任务。",
  claimed: "他人正在处理，请做其他任务。",
  samePerson: "复盘须由他人进行，请保持原样。",
  beingMoved: "请先放好手中的商品，再盘点。",
  otherPeople: "此盘点由其他人员负责。",
  overtaken: "他人已先处理，页面显示下一步。",
  roleMissing: "您没有权限，请找有权限的人。",
};

const say = speaking({ en, zh });

/** @param {string} code @returns {string} empty: the gateway's own words must do */
export function adviceFor(code) {
  return code in en ? say(/** @type {Refusal} */ (code)) : "";
}

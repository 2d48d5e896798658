// The names that generated scenes are made of, English and Chinese. A call may use either name of a pair, whatever the
// language of the scene.

export type SceneLanguage = 'zh' | 'en';
export type Name = Readonly<Record<SceneLanguage, string>>;

const names = (pairs: string): Name[] =>
  pairs.split(', ').map((pair) => {
    const [en, zh] = pair.split('/');
    return { en, zh };
  });

export const roomNames = names(
  'kitchen/厨房, hall/走廊, study/书房, bedroom/卧室, garden/花园, cellar/地窖, garage/车库, bathroom/浴室, attic/阁楼, workshop/工坊, office/办公室, library/图书室',
);
export const boxNames = names(
  'box/箱子, drawer/抽屉, cupboard/橱柜, chest/宝箱, basket/篮子, fridge/冰箱, bag/袋子, safe/保险柜, crate/木箱, wardrobe/衣柜',
);
export const keyNames = names('key/钥匙, card/门卡');
export const thingNames = names(
  'cup/杯子, book/书, apple/苹果, lamp/灯, pen/笔, plate/盘子, hammer/锤子, ball/球, coat/外套, clock/钟, letter/信, ring/戒指, bottle/瓶子, spoon/勺子, knife/刀, map/地图, rope/绳子, coin/硬币, hat/帽子, umbrella/雨伞',
);

const others = new Map(
  [...roomNames, ...boxNames, ...keyNames, ...thingNames].flatMap(({ en, zh }) => [
    [en, zh],
    [zh, en],
  ]),
);

/** What a name is compared by. */
export function nameKey(name: string): string {
  return name.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase();
}

/** The keys by which `name`, as a model writes it, may be known: its own, without "the", and in the other language. */
export function nameKeys(name: string): string[] {
  const own = nameKey(name).replace(/^the (?=.)/, '');
  const other = others.get(own);
  return other === undefined ? [own] : [own, other];
}

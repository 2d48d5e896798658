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
  'kitchen/厨房, hall/走廊, study/书房, bedroom/卧室, garden/花园, cellar/地窖, garage/车库, bathroom/浴室, attic/阁楼, workshop/工坊, office/办公室, library/图书室, porch/门廊, pantry/储藏室, balcony/阳台, yard/院子, lounge/客厅, gallery/画廊, stable/马房, barn/谷仓, shed/棚子, studio/画室, terrace/露台, tower/塔楼, greenhouse/温室, lobby/大厅, classroom/教室, playroom/游戏室, courtyard/庭院, clinic/诊室, cabin/小屋, shop/店铺, chapel/教堂, gym/健身房, laundry/洗衣房, nursery/婴儿房',
);
export const boxNames = names(
  'box/箱子, drawer/抽屉, cupboard/橱柜, chest/宝箱, basket/篮子, fridge/冰箱, bag/袋子, safe/保险柜, crate/木箱, wardrobe/衣柜, jar/罐子, suitcase/手提箱, trunk/大箱, pot/锅, oven/烤箱, barrel/木桶, cabinet/柜子, backpack/背包, purse/钱包, envelope/信封, tin/铁盒, case/盒子, locker/储物柜, bookcase/书柜, mailbox/信箱, toolbox/工具箱, freezer/冷柜, sack/布袋, cage/笼子, sideboard/餐柜',
);
export const keyNames = names('key/钥匙, card/门卡');
export const thingNames = names(
  'cup/杯子, book/书, apple/苹果, lamp/灯, pen/笔, plate/盘子, hammer/锤子, ball/球, coat/外套, clock/钟, letter/信, ring/戒指, bottle/瓶子, spoon/勺子, knife/刀, map/地图, rope/绳子, coin/硬币, hat/帽子, umbrella/雨伞, pear/梨, flower/花, candle/蜡烛, mirror/镜子, towel/毛巾, shirt/衬衫, shoe/鞋子, sock/袜子, scarf/围巾, glove/手套, blanket/毯子, pillow/枕头, chair/椅子, stone/石头, leaf/树叶, egg/鸡蛋, bread/面包, cake/蛋糕, cheese/奶酪, orange/橙子, lemon/柠檬, banana/香蕉, potato/土豆, carrot/萝卜, fork/叉子, bowl/碗, glass/玻璃杯, teapot/茶壶, brush/刷子, broom/扫帚, comb/梳子, needle/针, button/纽扣, doll/娃娃, kite/风筝, drum/鼓, flute/笛子, violin/小提琴, photo/照片, painting/画, newspaper/报纸, notebook/笔记本, ruler/尺子, battery/电池, torch/手电筒, camera/相机, radio/收音机, phone/手机, ticket/车票, stamp/邮票, feather/羽毛, shell/贝壳, nail/钉子, saw/锯子, axe/斧头, ladder/梯子, toy/玩具, medal/奖章, watch/手表, belt/腰带, soap/肥皂, sword/剑, fan/扇子, bell/铃铛, whistle/哨子, vase/花瓶, crown/王冠, helmet/头盔, magnet/磁铁, compass/指南针, guitar/吉他, pearl/珍珠, chalk/粉笔, jacket/夹克, dictionary/词典, calendar/日历',
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

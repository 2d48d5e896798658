// Small talk. Answers are short and fit every word that a slot can take.
import type { Topics } from './family.js';

/** What people put before and after a question. */
export const greetings = {
  zh: {
    openings: [
      '你好，',
      '嗨，',
      '请问一下，',
      '打扰了，',
      '我有点好奇，',
      '第一次用你，',
      '朋友让我来问：',
      '对了，',
      '问个小问题，',
      '喂，',
      '说真的，',
      '先不忙别的，',
    ],
    closings: ['简单说就行。', '我想知道。', '一句话回答我吧。', '别说太长。', '认真回答哦。', '我等你回话。'],
  },
  en: {
    openings: [
      'Hello!',
      'Hi there.',
      'Excuse me.',
      'Just curious:',
      'Quick question:',
      'One more thing.',
      'I am new here.',
      'My friend wants to know:',
      'Be honest.',
      'Before we start:',
      'Well then.',
      'One thing first:',
    ],
    closings: [
      'Keep it short.',
      'I would like to know.',
      'One sentence is enough.',
      'Please be brief.',
      'Just say it plainly.',
      'I am listening.',
    ],
  },
} as const;

const foods = {
  zh: ['苹果', '西瓜', '饺子', '面条', '火锅', '豆腐', '草莓', '粽子'],
  en: ['apples', 'soup', 'noodles', 'cheese', 'dumplings', 'bread', 'cherries', 'rice'],
};
const hobbies = {
  zh: ['画画', '跑步', '下棋', '钓鱼', '唱歌', '写字', '种花', '游泳', '爬山', '看电影', '做饭', '弹琴'],
  en: [
    'painting',
    'running',
    'chess',
    'fishing',
    'singing',
    'writing',
    'gardening',
    'swimming',
    'hiking',
    'cooking',
    'dancing',
    'reading',
  ],
};

export const chatTopics: Topics = {
  zh: [
    {
      asks: ['你好！', '嗨，在吗？', '有人吗？', '好久不见！', '哈喽，又见面了。'],
      answers: ['你好！有什么可以帮你？', '你好，很高兴见到你。'],
    },
    { asks: ['早安。', '新的一天开始了！', '我刚起床。', '太阳出来了，早呀。'], answers: ['早上好！祝你今天顺利。'] },
    { asks: ['晚安。', '我要睡觉了。', '困了，明天再聊。', '夜深了，我去休息。'], answers: ['晚安，做个好梦。'] },
    { asks: ['再见！', '我先走了。', '下次再聊吧。', '我得去上课了，拜拜。'], answers: ['再见，下次聊！'] },
    {
      asks: ['谢谢！', '太感谢你了。', '你帮了我大忙。', '多亏有你。', '辛苦你啦。'],
      answers: ['不客气。', '不用谢，很高兴帮到你。'],
    },
    { asks: ['你今天怎么样？', '最近还好吗？', '你心情如何？', '过得开心吗？'], answers: ['我很好，你呢？'] },
    {
      asks: ['我喜欢吃{}。', '晚饭想做{}。', '{}真好吃！', '中午吃了{}，很满足。', '你觉得{}好吃吗？'],
      slots: foods.zh,
      answers: ['{}很不错，慢慢享用。', '听起来真香！'],
    },
    {
      asks: [
        '我的爱好是{}。',
        '周末我打算去{}。',
        '最近我迷上了{}。',
        '想学{}，难不难？',
        '孩子问我要不要一起{}。',
        '一到假期我就{}。',
      ],
      slots: hobbies.zh,
      answers: ['{}很有意思，玩得开心！', '好主意，慢慢来。'],
    },
    {
      asks: [
        '我今天很难过。',
        '心里有点烦。',
        '考试没考好，想哭。',
        '和朋友吵架了。',
        '丢了钱包，真倒霉。',
        '面试又失败了。',
      ],
      answers: ['别难过，慢慢会好起来的。', '听到这个我很难过，抱抱你。'],
    },
    {
      asks: ['我好开心！', '我考了满分！', '终于放假了！', '今天是我的生日。', '我找到工作了。', '我们球队赢了比赛。'],
      answers: ['太好了，恭喜你！', '真为你高兴！'],
    },
    {
      asks: ['我好累啊。', '加班到现在。', '走了一天路，腿都酸了。', '作业写到半夜。'],
      answers: ['辛苦了，早点休息。'],
    },
    {
      asks: ['好无聊，干点什么呢？', '没事做怎么办？', '给我找点乐子。', '假期怎么打发时间？'],
      answers: ['可以看本书，或出门走走。'],
    },
    {
      asks: ['外面下雨了。', '今天好冷。', '天气真热呀。', '刮大风了，出门要注意什么？', '下雪了！'],
      answers: ['出门记得照顾好自己。'],
    },
    {
      asks: ['怎么才能睡得好？', '怎样学好英语？', '如何养成早起的习惯？', '怎么让自己更专心？'],
      answers: ['每天坚持一点，慢慢就会好。'],
    },
  ],
  en: [
    {
      asks: ['Hello!', 'Hey, are you there?', 'Good to see you again!', 'Is anybody home?', 'Hi, it has been a while.'],
      answers: ['Hello! How can I help?', 'Hello, nice to see you.'],
    },
    {
      asks: ['Good morning.', 'A new day begins!', 'I just got up.', 'The sun is shining, rise and shine.'],
      answers: ['Good morning! Have a nice day.'],
    },
    {
      asks: ['Good night.', 'I am going to bed.', 'So sleepy, talk tomorrow.', 'It is late, time to rest.'],
      answers: ['Good night, sleep well.'],
    },
    {
      asks: ['Goodbye!', 'I have to leave now.', 'Let us talk next time.', 'See you, my class is starting.'],
      answers: ['Goodbye, see you soon!'],
    },
    {
      asks: ['Thank you!', 'Many thanks for that.', 'You saved my day.', 'That helped me so much.', 'I appreciate it.'],
      answers: ['You are welcome.', 'No problem, happy to help.'],
    },
    {
      asks: ['How are you today?', 'Is everything fine with you?', 'How do you feel?', 'Are you having a good day?'],
      answers: ['I am fine, and you?'],
    },
    {
      asks: [
        'I like {}.',
        'We will have {} for dinner.',
        '{} taste so good!',
        'Lunch was {} and I am full.',
        'What do you think of {}?',
      ],
      slots: foods.en,
      answers: ['Enjoy your {}!', 'That sounds tasty!'],
    },
    {
      asks: [
        'My hobby is {}.',
        'This weekend I will try {}.',
        'Lately I am crazy about {}.',
        'Is {} hard to learn?',
        'My son asked me to join him for {}.',
        'Every holiday I spend on {}.',
      ],
      slots: hobbies.en,
      answers: ['Have fun with {}!', 'Good idea, take it slowly.'],
    },
    {
      asks: [
        'I feel sad today.',
        'Something is bothering me.',
        'I failed the exam and want to cry.',
        'My friend and I had a fight.',
        'I lost my wallet, what a day.',
        'Another job interview went badly.',
      ],
      answers: ['I hope it gets better soon.', 'That is hard. Take care of yourself.'],
    },
    {
      asks: [
        'I am so happy!',
        'I got full marks!',
        'Holidays at last!',
        'Today is my birthday.',
        'I found a new job.',
        'Our team won the match.',
      ],
      answers: ['Great news, congratulations!', 'I am happy for you!'],
    },
    {
      asks: [
        'I am so tired.',
        'Still at work at this hour.',
        'I walked all day and my legs hurt.',
        'Homework kept me up until midnight.',
      ],
      answers: ['You did enough. Get some rest.'],
    },
    {
      asks: [
        'I am bored. Any idea?',
        'What can I do with a free evening?',
        'Find me something fun.',
        'How do I pass the time on a train?',
      ],
      answers: ['Read a book or take a walk.'],
    },
    {
      asks: [
        'It is raining outside.',
        'Today is very cold.',
        'What a hot afternoon.',
        'The wind is strong, what should I mind?',
        'Look, snow!',
      ],
      answers: ['Take care when you go out.'],
    },
    {
      asks: [
        'How can I sleep better?',
        'What is a good way to learn Chinese?',
        'How do I start getting up early?',
        'How could I focus more?',
      ],
      answers: ['Do a little every day and it will come.'],
    },
  ],
};

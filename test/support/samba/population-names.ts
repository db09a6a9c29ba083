/** Names, places and words that the sample population is made of, chosen for what they do to encodings and escapes. */

/** A name as it is written, and its letters as they stand in a login. */
export type Name = readonly [written: string, login: string];

export type Site = {
  /** Name of the organizational unit; some need escapes. */
  readonly unit: string;
  readonly city: string;
  readonly state?: string;
  readonly country: string;
  readonly countryCode: string;
  readonly language: string;
  readonly phonePrefix: string;
  readonly street: string;
  /** "Surname, Given" as the common name: a comma in every distinguished name below. */
  readonly surnameFirst?: boolean;
  readonly givenNames: readonly Name[];
  readonly surnames: readonly Name[];
};

export const sites: readonly Site[] = [
  {
    unit: "Berlin",
    city: "Berlin",
    country: "Deutschland",
    countryCode: "DE",
    language: "de-DE",
    phonePrefix: "+49 30",
    street: "Straße des 17. Juni",
    surnameFirst: true,
    givenNames: [
      ["Jürgen", "juergen"],
      ["Anke", "anke"],
      ["Björn", "bjoern"],
      ["Käthe", "kaethe"],
      ["Søren", "soeren"],
      ["Zoë", "zoe"],
    ],
    surnames: [
      ["Müller", "mueller"],
      ["Groß", "gross"],
      ["von der Höhe", "vonderhoehe"],
      ["Weiß-Schäfer", "weissschaefer"],
      ["Çelik", "celik"],
    ],
  },
  {
    unit: "Vertrieb, Süd",
    city: "München",
    state: "Bayern",
    country: "Deutschland",
    countryCode: "DE",
    language: "de-DE",
    phonePrefix: "+49 89",
    street: "Marienplatz",
    givenNames: [
      ["Ägidius", "aegidius"],
      ["Resi", "resi"],
      ["Öskan", "oeskan"],
      ["Maximilian", "maximilian"],
    ],
    surnames: [
      ["Huber", "huber"],
      ["Größer", "groesser"],
      ["Obermüller", "obermueller"],
      ["Ücker", "uecker"],
    ],
  },
  {
    unit: "Dublin",
    city: "Baile Átha Cliath",
    country: "Ireland",
    countryCode: "IE",
    language: "en-IE",
    phonePrefix: "+353 1",
    street: "St. Stephen's Green",
    surnameFirst: true,
    givenNames: [
      ["Siobhán", "siobhan"],
      ["Seán", "sean"],
      ["Niamh", "niamh"],
      ["Pádraig", "padraig"],
    ],
    surnames: [
      ["O'Brien", "o'brien"],
      ["O’Sullivan", "osullivan"],
      ["Mac Giolla Íosa", "macgiollaiosa"],
      ["D'Arcy", "d'arcy"],
    ],
  },
  {
    unit: "R&D + Labs",
    city: "San Francisco",
    state: "CA",
    country: "United States",
    countryCode: "US",
    language: "en-US",
    phonePrefix: "+1 415 555",
    street: "1 Market St, Suite #300",
    givenNames: [
      ["Mary Ann", "maryann"],
      ["José", "jose"],
      ['Robert "Bob"', "bob"],
      ["X Æ", "xae"],
    ],
    surnames: [
      ["Smith Jr.", "smithjr"],
      ["Nuñez", "nunez"],
      ["Lee/Park", "leepark"],
      ["Null", "null"],
      ["Test; Drop", "testdrop"],
    ],
  },
  {
    unit: "東京",
    city: "東京都港区",
    country: "日本",
    countryCode: "JP",
    language: "ja-JP",
    phonePrefix: "+81 3",
    street: "虎ノ門一丁目",
    givenNames: [
      ["太郎", "taro"],
      ["さくら", "sakura"],
      ["ケンジ", "kenji"],
      ["𠮷江", "yoshie"],
    ],
    surnames: [
      ["佐藤", "sato"],
      ["髙橋", "takahashi"],
      ["渡邊", "watanabe"],
      ["﨑山", "sakiyama"],
    ],
  },
  {
    unit: "북경·서울",
    city: "서울",
    country: "대한민국",
    countryCode: "KR",
    language: "ko-KR",
    phonePrefix: "+82 2",
    street: "세종대로",
    givenNames: [
      ["민준", "minjun"],
      ["서연", "seoyeon"],
      ["지우", "jiwoo"],
    ],
    surnames: [
      ["김", "kim"],
      ["이", "lee"],
      ["박", "park"],
    ],
  },
  {
    unit: "Łódź \\ Kraków",
    city: "Kraków",
    country: "Polska",
    countryCode: "PL",
    language: "pl-PL",
    phonePrefix: "+48 12",
    street: "ul. Świętego Jana",
    givenNames: [
      ["Łukasz", "lukasz"],
      ["Żaneta", "zaneta"],
      ["Grażyna", "grazyna"],
    ],
    surnames: [
      ["Wiśniewska", "wisniewska"],
      ["Źdźbło", "zdzblo"],
      ["Brzęczyszczykiewicz", "brzeczyszczyk"],
    ],
  },
  {
    unit: "#Hà Nội",
    city: "Hà Nội",
    country: "Việt Nam",
    countryCode: "VN",
    language: "vi-VN",
    phonePrefix: "+84 24",
    street: "Phố Huế",
    // The last given name is decomposed (combining accents), as some tools write it.
    givenNames: [
      ["Thị Hạnh", "hanh"],
      ["Đức", "duc"],
      ["Phượng", "phuong"],
      ["Hie\u0302\u0301u", "hieu"],
    ],
    surnames: [
      ["Nguyễn", "nguyen"],
      ["Trần", "tran"],
      ["Đặng", "dang"],
    ],
  },
  {
    unit: "İstanbul <EMEA>",
    city: "İstanbul",
    country: "Türkiye",
    countryCode: "TR",
    language: "tr-TR",
    phonePrefix: "+90 212",
    street: "İstiklâl Caddesi",
    givenNames: [
      ["Işıl", "isil"],
      ["İbrahim", "ibrahim"],
      ["Gökçe", "gokce"],
    ],
    surnames: [
      ["Yılmaz", "yilmaz"],
      ["Şahin", "sahin"],
      ["Kılıç", "kilic"],
    ],
  },
  {
    unit: "القاهرة",
    city: "القاهرة",
    country: "مصر",
    countryCode: "EG",
    language: "ar-EG",
    phonePrefix: "+20 2",
    street: "شارع التحرير",
    givenNames: [
      ["محمد", "mohamed"],
      ["فاطمة", "fatma"],
      ["يوسف", "youssef"],
    ],
    surnames: [
      ["الشريف", "elsherif"],
      ["حسن", "hassan"],
      ["عبد الله", "abdallah"],
    ],
  },
  {
    unit: "Київ; Одеса",
    city: "Київ",
    country: "Україна",
    countryCode: "UA",
    language: "uk-UA",
    phonePrefix: "+380 44",
    street: "вул. Хрещатик",
    givenNames: [
      ["Олександр", "oleksandr"],
      ["Ганна", "hanna"],
      ["В'ячеслав", "viacheslav"],
    ],
    surnames: [
      ["Шевченко", "shevchenko"],
      ["Ґудзь", "gudz"],
      ["Знам'янська", "znamianska"],
    ],
  },
  {
    unit: "Remote = Anywhere ",
    city: "Reykjavík",
    country: "Ísland",
    countryCode: "IS",
    language: "is-IS",
    phonePrefix: "+354",
    street: "Laugavegur",
    givenNames: [
      ["Þórður", "thordur"],
      ["Guðrún", "gudrun"],
      ["Ásgeir 🧊", "asgeir"],
    ],
    surnames: [
      ["Jónsdóttir", "jonsdottir"],
      ["Ævarsson", "aevarsson"],
      ["Ögmundsson", "ogmundsson"],
    ],
  },
];

export const departments: readonly string[] = [
  "Engineering",
  "Forschung & Entwicklung",
  "人事部",
  "Legal, Risk and Compliance",
  'Sales "Enterprise"',
  "Бухгалтерія",
  "IT <Operations>",
  "Qualité",
];

export const titles: readonly string[] = [
  "Engineer II",
  "Ingénieur(e) en chef",
  "部長",
  "Head of Sales; EMEA",
  "Sachbearbeiter/in",
  "Analyst – Level 3",
  "Werkstudent",
  "مدير",
];

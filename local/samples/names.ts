/**
 * Names of people and how they are written in an account name, plus offices and departments. Data only.
 *
 * Family names from many places on purpose: letters beyond ASCII in names and DNs are where identity tools break. The
 * part before the colon is the name, the part after it its ASCII form, where the letters alone don't give it.
 */

const words = (text: string): readonly string[] => text.trim().split(/\s*,\s*/);

export const GIVEN_NAMES = words(`
  Emma, Liam, Zoë, Noah, Łucja, Jürgen, Søren, Aïcha, José, Mai, Olivia, Kwame, Ingrid, Tomáš, Chloé, Arjun, Fatima, Björn,
  Amélie, Diego, Hanna, Ivan, Noor, Lars, Sofía, Yusuf, Greta, Mateus, Elif, Pádraig, Leïla, Oskar, Niamh, Rahul, Ana, Émile
`);

export const FAMILY_NAMES = words(`
  Virtanen, Müller, Nguyễn:Nguyen, García, Kowalska, O'Brien:OBrien, Sørensen, Haddad, Dvořák, Okafor, Rossi, Lefèvre, Patel,
  Yılmaz:Yilmaz, Andersson, Ferreira, Novák, Jansen, de Vries:deVries, Ó Súilleabháin:OSuilleabhain, Schröder, Popescu, Łukasik:Lukasik,
  Weiß:Weiss, Hansen, Moreau, Silva, Keller, Papadopoulos, Björk, Castillo, Mensah
`);

/** People whose names aren't written in Latin letters: display name, given name, family name, account name. */
export const OTHER_SCRIPTS: readonly (readonly [display: string, given: string, family: string, account: string])[] = [
  ["山田 花子", "花子", "山田", "hanako.yamada"],
  ["Олена Шевченко", "Олена", "Шевченко", "olena.shevchenko"],
  ["Αλέξανδρος Νικολάου", "Αλέξανδρος", "Νικολάου", "alexandros.nikolaou"],
];

export interface Office {
  readonly city: string;
  readonly state?: string;
  readonly postalCode: string;
  readonly street: string;
  readonly country: string;
  readonly code: string;
  readonly language: string;
  readonly phone: string;
}

export const OFFICES: readonly Office[] = [
  {
    city: "Zürich",
    postalCode: "8001",
    street: "Bahnhofstrasse 12",
    country: "Switzerland",
    code: "CH",
    language: "de-CH",
    phone: "+41 44 555 01",
  },
  {
    city: "Lyon",
    postalCode: "69002",
    street: "4 rue de la République",
    country: "France",
    code: "FR",
    language: "fr-FR",
    phone: "+33 4 55 50 12",
  },
  {
    city: "Austin",
    state: "TX",
    postalCode: "78701",
    street: "500 Congress Ave",
    country: "United States",
    code: "US",
    language: "en-US",
    phone: "+1 512 555 01",
  },
  {
    city: "Kraków",
    postalCode: "31-042",
    street: "Rynek Główny 7",
    country: "Poland",
    code: "PL",
    language: "pl-PL",
    phone: "+48 12 555 01",
  },
];

export interface Department {
  readonly name: string;
  readonly titles: readonly string[];
}

export const DEPARTMENTS: readonly Department[] = [
  { name: "Sales", titles: ["Account Manager", "Sales Engineer", "Sales Assistant"] },
  { name: "Engineering", titles: ["Software Engineer", "Test Engineer", "Site Reliability Engineer"] },
  { name: "Finance", titles: ["Accountant", "Controller", "Payroll Clerk"] },
  { name: "Research & Development", titles: ["Scientist", "Laboratory Assistant", "Patent Clerk"] },
  { name: "Human Resources", titles: ["Recruiter", "HR Partner", "Trainer"] },
  { name: "Operations", titles: ["Logistics Planner", "Buyer", "Facility Manager"] },
];

import { createHash } from 'node:crypto';

const light = `--paper:#f6f6f3;--card:#fff;--ink:#1d2125;--quiet:#5a626b;--line:#e1e1db;--rail:#e6e6e0;
--good:#1c6b47;--wait:#4a5560;--warn:#85560a;--bad:#a92828`;
const dark = `--paper:#121517;--card:#1a1e21;--ink:#e8eaec;--quiet:#a3abb3;--line:#2b3136;--rail:#2d3338;
--good:#6cc79a;--wait:#a9b4bf;--warn:#e2b25c;--bad:#f4958d`;

const rules = `
:root{color-scheme:light dark;${light}}
@media(prefers-color-scheme:dark){:root{${dark}}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:72rem;padding:1.5rem clamp(1rem,4vw,2.5rem) 3rem;background:var(--paper);color:var(--ink);
font:1rem/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.hide{position:absolute;width:0;height:0}
svg{fill:none;stroke:currentColor}
.icon{width:1em;height:1em;flex:none;vertical-align:-.125em;stroke-width:1.6;stroke-linecap:round;stroke-linejoin:round}
header,footer,.quiet,small,dt,.cap{color:var(--quiet)}
header{font-weight:600;letter-spacing:.01em}
header span{font-weight:400;margin-left:.5rem}
.good{--tone:var(--good)}.wait{--tone:var(--wait)}.warn{--tone:var(--warn)}.bad{--tone:var(--bad)}
.hero{display:flex;gap:clamp(.9rem,2.5vw,1.5rem);margin:clamp(1.5rem,5vw,3rem) 0}
.hero .icon{width:clamp(2.25rem,6vw,3rem);height:clamp(2.25rem,6vw,3rem);stroke-width:1.1;color:var(--tone);margin-top:.15rem}
h1{margin:0;font-size:clamp(1.5rem,1.1rem + 2vw,2.25rem);line-height:1.2;letter-spacing:-.02em;text-wrap:balance}
.hero p{margin:.6rem 0 0;font-size:1.125rem;max-width:46rem}
.hero p.quiet{font-size:.9375rem}
h2{margin:2.5rem 0 .9rem;font-size:1rem;font-weight:600}
.notice{display:flex;gap:.7rem;margin:0 0 1rem;padding:.9rem 1.1rem;border:1px solid var(--line);border-left:4px solid var(--tone);border-radius:.5rem;background:var(--card)}
.notice .icon{color:var(--tone);margin-top:.25em}
.card{padding:1.25rem 1.35rem;border:1px solid var(--line);border-radius:.85rem;background:var(--card)}
.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,19rem),1fr));gap:1rem;margin:0;padding:0;list-style:none}
.cards .card{display:flex;flex-direction:column;max-width:36rem}
h3{margin:0;font-size:1.0625rem;line-height:1.35}
.quiet,small{font-weight:400;font-size:.875rem}
.state{margin:.15rem 0 0;color:var(--tone);font-weight:600;font-size:.9375rem}
.age{margin:1rem 0 .6rem;font-size:1.5rem;font-weight:600;line-height:1.2;letter-spacing:-.01em}
.age small{letter-spacing:0;white-space:nowrap}
.cap{margin:.4rem 0 0;font-size:.8125rem}
.bar,.strip{display:block;width:100%}
.bar{height:6px;border-radius:3px;background:var(--rail);stroke:none}
rect{height:6px;fill:var(--tone)}
rect+rect{width:2px;fill:var(--ink)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.1rem;margin:1.1rem 0 0;font-size:.9375rem}
dd{margin:0}
strong{color:var(--tone);font-weight:600}
.cards dl{margin-bottom:1.2rem}
.strip{height:22px;margin-top:auto}
.strip path{stroke-dasharray:3 1;stroke-width:12;stroke:var(--good)}
.strip .i{stroke:var(--quiet);stroke-width:2;stroke-dasharray:1 3;stroke-dashoffset:-1}
.strip .p{stroke:var(--warn)}
.strip .f{stroke:var(--bad);stroke-width:16}
.strip .c{stroke:var(--card);stroke-width:2}
.strip .m{stroke:var(--bad)}
.strip .n{stroke:var(--card);stroke-width:9;stroke-dasharray:1.6 2.4;stroke-dashoffset:-.7}
.spark{width:72px;height:20px;vertical-align:-4px;margin:0 .35rem;color:var(--quiet);stroke-width:1.5;stroke-linejoin:round}
.why{margin:.6rem 0 0;padding-left:.75rem;border-left:2px solid var(--line);font-size:.9375rem}
.runs{margin:0;padding-top:.25rem;padding-bottom:.25rem;list-style:none}
.runs li{display:grid;grid-template-columns:10.5rem minmax(9rem,1fr) 12rem 9rem;gap:0 1rem;padding:.6rem 0;border-top:1px solid var(--line);font-size:.9375rem}
.runs li:first-child{border:0}
.runs b{font-weight:500}
.runs small:last-of-type{text-align:right}
.runs .why{grid-column:2/-1;margin:.3rem 0 0}
@media(max-width:46rem){.runs li{grid-template-columns:1fr auto}.runs .why{grid-column:1/-1}.runs b{order:-2}.runs strong,.runs b+small{order:-1;text-align:right}}
code{font:.9em ui-monospace,"DejaVu Sans Mono",monospace}
a{color:inherit}
footer{margin-top:2.5rem;font-size:.875rem}
`;

/** All of the page's style, as it stands in its head. */
export const style = rules.replace(/\n/g, '');

/** What the page may do: show itself. The style is allowed by its hash, so nothing injected gets one. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

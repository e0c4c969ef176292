/** How the course's pages look, and the search in them. */
import { themeCss } from "../plot/index.js";

export const pageCss = `${themeCss}
:root{--panel:#f6f7f9;--good:#1e7f5c;--bad:#b42f40;--link:#2458b8}
@media(prefers-color-scheme:dark){:root{--panel:#1d222c;--good:#5fcfa3;--bad:#f27d8a;--link:#8fb4ff}}
*{box-sizing:border-box}
html{scroll-padding-top:16px}
body{margin:0;background:var(--tg-surface);color:var(--tg-ink);font:16px/1.6 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;display:grid;grid-template-columns:300px minmax(0,1fr)}
a{color:var(--link);text-decoration:none}a:hover{text-decoration:underline}
nav{position:sticky;top:0;height:100vh;overflow:auto;padding:24px 16px 40px 20px;background:var(--panel);border-right:1px solid var(--tg-grid);font-size:14px;line-height:1.4}
nav ul,nav ol{list-style:none;margin:0;padding:0}
nav li a{display:flex;gap:.45em;padding:5px 8px;border-radius:6px;color:var(--tg-ink)}
nav li a:hover{background:var(--tg-grid);text-decoration:none}
nav li b{flex:none;min-width:2.4em;color:var(--tg-muted);font-weight:600;font-variant-numeric:tabular-nums}
nav li li b{min-width:1.7em}
nav li.current>a{font-weight:650}
nav ol{margin:2px 0 10px 10px;border-left:2px solid var(--tg-grid);padding-left:4px}
nav .home{display:block;font-weight:700;font-size:16px;margin:0 8px 12px;color:var(--tg-ink)}
nav input{width:100%;font:inherit;padding:7px 10px;margin:0 0 12px;border:1px solid var(--tg-grid);border-radius:8px;background:var(--tg-surface);color:var(--tg-ink)}
#found{border-bottom:1px solid var(--tg-grid);margin-bottom:10px;padding-bottom:8px}#found b{min-width:4.4em}
.menu{display:none}
main{max-width:860px;width:100%;margin:0 auto;padding:40px 32px 64px;min-width:0}
h1{font-size:32px;line-height:1.2;letter-spacing:-.02em;margin:0 0 16px}
h1 small,h2 small{color:var(--tg-muted);font-weight:600;font-size:.72em;letter-spacing:.02em;margin-right:.2em}
section{padding:12px 0 20px;border-top:1px solid var(--tg-grid);margin-top:36px}
h2{font-size:21px;line-height:1.3;letter-spacing:-.01em;margin:16px 0 8px}
h2 .id{color:var(--tg-muted);font-weight:600;font-size:15px;margin-right:6px;font-variant-numeric:tabular-nums}
p{margin:0 0 12px}
.mark{font-size:12px;font-weight:600;padding:2px 8px;border-radius:99px;border:1px solid currentColor;vertical-align:3px;white-space:nowrap;letter-spacing:0}
.good{color:var(--good)}.bad{color:var(--bad)}.idle{color:var(--tg-muted)}
.statement{background:var(--panel);border-radius:10px;padding:4px 16px;margin:12px 0 16px;overflow-x:auto;overflow-y:hidden}
.statement .katex-display{margin:.8em 0}
.katex{font-size:1.1em}
.reason{color:var(--bad);font-family:ui-monospace,Menlo,Consolas,monospace;font-size:13px;overflow-wrap:anywhere}
.scroll{overflow-x:auto;margin:14px 0}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th{text-align:left;font-weight:500;font-size:12.5px;color:var(--tg-muted)}
th,td{padding:5px 14px 5px 0;border-bottom:1px solid var(--tg-grid);vertical-align:baseline}
tr>:last-child{padding-right:0;width:1.2em;color:var(--good)}
tr.broken td{color:var(--bad)}
td small{color:var(--tg-muted)}
.n{text-align:right}
dl{display:grid;grid-template-columns:max-content 1fr;gap:3px 18px;font-size:14px;margin:12px 0}dt{color:var(--tg-muted)}dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:20px;margin:18px 0}
figure{margin:0;min-width:0}figure svg{max-width:100%;height:auto;display:block}
figcaption{font-size:14px;color:var(--tg-muted);margin-top:6px}
code{font:13.5px/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
p code,td code,figcaption code{background:var(--panel);padding:1px 4px;border-radius:4px}
pre{margin:8px 0 0;padding:12px 16px;background:var(--panel);border-radius:10px;overflow-x:auto;tab-size:2}
details{margin-top:14px}summary{cursor:pointer;color:var(--tg-muted);font-size:14px}
.card ol{list-style:none;margin:0;padding:0;columns:2 340px;column-gap:28px}
.card li{break-inside:avoid;padding:3px 0;font-size:15px;line-height:1.4}.card li b{font-weight:600;font-size:13px;color:var(--tg-muted);margin-right:4px}
.card .mark{border:0;padding:0 4px;vertical-align:0}
.around{display:flex;justify-content:space-between;gap:20px;margin-top:48px}
footer{margin-top:48px;color:var(--tg-muted);font-size:13px}
@media(max-width:900px){body{display:block;font-size:15.5px}.menu{display:block;position:sticky;top:0;z-index:1;margin:0;background:var(--panel);border-bottom:1px solid var(--tg-grid)}.menu summary{padding:10px 16px;font-weight:600;color:var(--tg-ink)}nav{position:static;height:auto;display:none;border-right:0;border-bottom:1px solid var(--tg-grid)}.menu[open]+nav{display:block}html{scroll-padding-top:56px}main{padding:24px 16px 48px}h1{font-size:26px}h2{font-size:19px}section{margin-top:26px}dl{grid-template-columns:1fr;gap:0}dd{margin-bottom:6px}}
@media(max-width:600px){section table,section tbody{display:block}section thead{display:none}section tr{display:grid;grid-template-columns:auto auto 1fr 1.4em;column-gap:12px;padding:6px 0;border-bottom:1px solid var(--tg-grid)}section td{border:0;padding:0}section td:first-child{grid-column:1/-1}section td:nth-child(2)::after{content:" "}section td:nth-child(3){color:var(--tg-muted)}.katex{font-size:1.04em}figure{overflow-x:auto}figure svg{min-width:500px}}
@media print{body{display:block}nav,.menu{display:none}pre{white-space:pre-wrap}}`;

/** Shows the rows whose id or title has every word that is typed. `rows` holds id, title and file. */
export const searchScript = `
const box = document.getElementById("search"), found = document.getElementById("found"), all = document.getElementById("chapters");
const say = () => {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  found.replaceChildren(...(words.length ? rows : []).filter(([id, title]) => words.every((w) => (id + " " + title).toLowerCase().includes(w))).slice(0, 60).map(([id, title, file]) => {
    const item = document.createElement("li"), link = document.createElement("a"), name = document.createElement("b");
    name.textContent = id; link.href = file + "#" + id; link.append(name, " " + title); item.append(link);
    return item;
  }));
  if (words.length && !found.childElementCount) found.textContent = "no row has these words";
  found.hidden = !words.length; all.hidden = words.length > 0;
};
box.addEventListener("input", say);
document.querySelector("nav").addEventListener("click", (e) => { if (e.target.closest("a")) document.querySelector(".menu").open = false; });
addEventListener("keydown", (e) => { if (e.key === "/" && document.activeElement !== box) { e.preventDefault(); box.focus(); } });
`;

// Draws each chart from the table below it: the table is the truth, and works alone.
"use strict";

const dark = matchMedia("(prefers-color-scheme: dark)");

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function read(table) {
  const rows = [...table.tBodies[0].rows];
  return {
    name: table.dataset.chart,
    titles: rows.map((row) => row.cells[0].textContent.trim()),
    labels: rows.map((row) => row.cells[0].dataset.short),
    counts: rows.map((row) => Number(row.cells[1].textContent)),
    parts: rows.map((row) => "part" in row.dataset),
    notes: rows.map((row) => row.cells[2]?.textContent ?? ""),
  };
}

function settings(data) {
  const accent = colour("--accent");
  const soft = colour("--soft");
  const font = { family: getComputedStyle(document.body).fontFamily, size: 11 };
  const lonely = data.counts.length < 3;
  return {
    type: "line",
    data: {
      labels: data.labels,
      datasets: [
        {
          label: data.name,
          data: data.counts,
          borderColor: accent,
          borderWidth: 2,
          backgroundColor: `${accent}1f`,
          fill: true,
          tension: 0.25,
          cubicInterpolationMode: "monotone",
          pointRadius: lonely ? 4 : 0,
          pointHitRadius: 16,
          pointHoverRadius: 4,
          pointBackgroundColor: accent,
          // A bucket that is cut short or still running is no fall: draw it dashed.
          segment: {
            borderDash: (part) =>
              data.parts[part.p0DataIndex] || data.parts[part.p1DataIndex] ? [4, 4] : undefined,
          },
        },
      ],
    },
    options: {
      animation: false,
      locale: "en",
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      scales: {
        x: {
          grid: { display: false },
          border: { color: colour("--line") },
          ticks: { color: soft, font, maxRotation: 0, autoSkipPadding: 18 },
        },
        y: {
          beginAtZero: true,
          suggestedMax: 4,
          grid: { color: colour("--line") },
          border: { display: false },
          ticks: { color: soft, font, precision: 0, maxTicksLimit: 5 },
        },
      },
      plugins: {
        legend: { display: false },
        tooltip: {
          displayColors: false,
          callbacks: {
            title: (items) => data.titles[items[0].dataIndex],
            afterLabel: (item) => data.notes[item.dataIndex],
          },
        },
      },
    },
  };
}

function draw(figure) {
  const data = read(figure.querySelector("table"));
  const canvas = document.createElement("canvas");
  const total = data.counts.reduce((sum, count) => sum + count, 0);
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${data.name}: ${total} in all. The table below has each.`);
  figure.querySelector(".plot").replaceChildren(canvas);
  return new Chart(canvas, settings(data));
}

function offerZones() {
  const list = document.getElementById("zones");
  const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = new Set([...list.options].map((option) => option.value));
  const others = [own, ...(Intl.supportedValuesOf?.("timeZone") ?? [])];
  for (const zone of others) {
    if (zone && !known.has(zone)) {
      known.add(zone);
      list.append(new Option("", zone));
    }
  }
}

function closeOnEscape(event) {
  if (event.key !== "Escape") return;
  for (const open of document.querySelectorAll(".what[open]")) {
    open.open = false;
    open.querySelector("summary").focus();
  }
}

function closeOthers(event) {
  for (const open of document.querySelectorAll(".what[open]")) {
    if (!open.contains(event.target)) open.open = false;
  }
}

let charts = [];

function drawAll() {
  charts.forEach((chart) => chart.destroy());
  charts = [...document.querySelectorAll(".chart")].map(draw);
}

drawAll();
offerZones();
dark.addEventListener("change", drawAll);
addEventListener("beforeprint", () => charts.forEach((chart) => chart.resize()));
addEventListener("keydown", closeOnEscape);
addEventListener("click", closeOthers);

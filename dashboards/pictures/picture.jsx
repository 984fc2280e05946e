// One dashboard, drawn with Grafana's own components from what Prometheus answered.

import React from "react";
import { createRoot } from "react-dom/client";
import "uplot/dist/uPlot.min.css";
import {
  applyFieldOverrides, createTheme, EventBusSrv, FieldConfigOptionsRegistry, FieldType, getDisplayProcessor,
  ThemeContext, standardTransformers, standardTransformersRegistry, transformDataFrame, dateTime, toDataFrame,
} from "@grafana/data";
import { BigValue, BigValueTextMode, GlobalStyles, PanelChrome, PanelContextProvider, Table, TimeSeries } from "@grafana/ui";

const WIDTH = 1600;
const GAP = 8;
const CELL = 30;

const theme = createTheme({ colors: { mode: "dark" } });

standardTransformersRegistry.setInit(() =>
  [standardTransformers.mergeTransformer, standardTransformers.organizeFieldsTransformer].map((transformation) => ({
    id: transformation.id, name: transformation.name, transformation, editor: () => null,
  })),
);

// The settings of a field that these dashboards use.
const SETTINGS = [
  "color", "unit", "min", "max", "decimals", "thresholds", "mappings", "noValue", "links",
  ...["drawStyle", "fillOpacity", "lineWidth", "showPoints", "spanNulls", "stacking", "thresholdsStyle", "lineStyle",
    "axisPlacement", "axisLabel", "hideFrom", "fillBelowTo", "cellOptions", "align", "width"].map((name) => `custom.${name}`),
];
const registry = new FieldConfigOptionsRegistry(() =>
  SETTINGS.map((id) => {
    const isCustom = id.startsWith("custom.");
    const path = isCustom ? id.slice("custom.".length) : id;
    return { id, path, isCustom, name: id, process: (value) => value, shouldApply: () => true, override: () => null, editor: () => null };
  }),
);

const legendOf = (format, labels) => format.replace(/\{\{\s*(\w+)\s*\}\}/g, (_, label) => labels[label] ?? "");
const number = (text) => (text === "NaN" ? null : Number(text));

/// One frame for each series, on all the times that are asked for, so that what is absent is a gap.
function lines({ answers }, from, to, step) {
  const times = [];
  for (let time = from; time <= to; time += step) times.push(time * 1000);
  return answers.flatMap(({ target, result }) =>
    result.map(({ metric, values }) => {
      const at = new Map(values.map(([time, value]) => [Math.round(time * 1000), number(value)]));
      return toDataFrame({
        refId: target.refId,
        fields: [
          { name: "Time", type: FieldType.time, values: times },
          {
            name: "Value", type: FieldType.number, values: times.map((time) => at.get(Math.round(time)) ?? null),
            config: { displayNameFromDS: legendOf(target.legendFormat, metric) },
          },
        ],
      });
    }),
  );
}

/// One frame for each answer, with its labels as columns.
function tables({ answers }) {
  return answers.filter(({ result }) => result.length > 0).map(({ target, result }) => {
    const labels = [...new Set(result.flatMap(({ metric }) => Object.keys(metric)))].filter((label) => label !== "__name__");
    const value = answers.length > 1 ? `Value #${target.refId}` : "Value";
    return toDataFrame({
      refId: target.refId,
      fields: [
        { name: "Time", type: FieldType.time, values: result.map(({ value }) => value[0] * 1000) },
        ...labels.map((label) => ({ name: label, type: FieldType.string, values: result.map(({ metric }) => metric[label] ?? "") })),
        { name: value, type: FieldType.number, values: result.map(({ value }) => number(value[1])) },
      ],
    });
  });
}

/// One number for each series.
function numbers({ answers }) {
  return answers.flatMap(({ target, result }) =>
    result.map(({ metric, value }) =>
      toDataFrame({
        fields: [{ name: "Value", type: FieldType.number, values: [number(value[1])], config: { displayNameFromDS: legendOf(target.legendFormat, metric) } }],
      }),
    ),
  );
}

function configured(frames, panel) {
  const data = applyFieldOverrides({
    data: frames, fieldConfig: panel.fieldConfig, replaceVariables: (text) => text, theme, timeZone: "utc", fieldConfigRegistry: registry,
  });
  for (const frame of data) {
    for (const field of frame.fields) {
      field.config.custom ??= {};
      field.display ??= getDisplayProcessor({ field, theme, timeZone: "utc" });
      field.getLinks = undefined;
    }
  }
  return data;
}

const Empty = ({ panel }) => (
  <div style={{ alignItems: "center", color: theme.colors.text.secondary, display: "flex", height: "100%", justifyContent: "center", textAlign: "center" }}>
    {panel.fieldConfig.defaults.noValue}
  </div>
);

/// Vertical lines for what happened.
function marks(builder, annotations, theme) {
  builder.addHook("draw", (plot) => {
    const context = plot.ctx;
    context.save();
    context.setLineDash([4, 4]);
    for (const { time, color } of annotations) {
      const x = Math.round(plot.valToPos(time, "x", true));
      if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) continue;
      context.strokeStyle = theme.visualization.getColorByName(color);
      context.beginPath();
      context.moveTo(x, plot.bbox.top);
      context.lineTo(x, plot.bbox.top + plot.bbox.height);
      context.stroke();
    }
    context.restore();
  });
}

/// When something of an annotation begins: at the time that its value is, or where its series does.
function begins(annotations, step) {
  return annotations.flatMap(({ annotation, result }) =>
    result.flatMap(({ values }) => {
      const times = annotation.useValueForTime
        ? [...new Set(values.map(([, value]) => Number(value)))]
        : values.filter(([time], place) => place === 0 || time - values[place - 1][0] > 2 * step).map(([time]) => time * 1000);
      return times.map((time) => ({ time, color: annotation.iconColor }));
    }),
  );
}

const context = { eventBus: new EventBusSrv(), sync: () => 0, onSeriesColorChange() {}, onToggleSeriesVisibility() {}, canAddAnnotations: () => false };

function Lines({ shown, panel, width, height, board }) {
  const frames = configured(lines(shown, board.from, board.to, board.step), panel);
  if (frames.length === 0) return <Empty panel={panel} />;
  const timeRange = { from: dateTime(board.from * 1000), to: dateTime(board.to * 1000), raw: { from: "now-1h", to: "now" } };
  return (
    <PanelContextProvider value={context}>
      <TimeSeries frames={frames} width={width} height={height} timeRange={timeRange} timeZone="utc" legend={panel.options.legend} structureRev={1} options={panel.options}>
        {(builder) => { marks(builder, board.marks, theme); return null; }}
      </TimeSeries>
    </PanelContextProvider>
  );
}

function Numbers({ shown, panel, width, height }) {
  const frames = configured(numbers(shown), panel);
  if (frames.length === 0) return <Empty panel={panel} />;
  const values = frames.map((frame) => {
    const field = frame.fields[0];
    return { ...field.display(field.values[0]), title: frames.length > 1 ? field.config.displayNameFromDS : "" };
  });
  // As Grafana lays them out: beside each other while they are wide enough.
  const columns = width / values.length > 90 || height < 80 ? values.length : Math.max(1, Math.floor(width / 120));
  const lines = Math.ceil(values.length / columns);
  return (
    <div style={{ display: "grid", gap: 4, gridTemplateColumns: `repeat(${columns}, 1fr)` }}>
      {values.map((value, place) => (
        <BigValue key={place} value={value} width={width / columns - 4} height={height / lines - 4} theme={theme}
          colorMode={panel.options.colorMode} graphMode="none" justifyMode={panel.options.justifyMode}
          textMode={values.length > 1 ? BigValueTextMode.ValueAndName : BigValueTextMode.Value} count={values.length} />
      ))}
    </div>
  );
}

function Rows({ shown, panel, width, height }) {
  const [frame, setFrame] = React.useState(null);
  React.useEffect(() => {
    transformDataFrame(panel.transformations ?? [], tables(shown)).subscribe((frames) => setFrame(configured(frames, panel)[0] ?? false));
  }, []);
  if (frame === false) return <Empty panel={panel} />;
  if (frame === null) return null;
  return <Table data={frame} width={width} height={height} cellHeight={panel.options.cellHeight} initialSortBy={panel.options.sortBy} columnMinWidth={60} />;
}

const KINDS = { timeseries: Lines, stat: Numbers, table: Rows };

function Panel({ shown, board }) {
  const { panel } = shown;
  const column = (WIDTH - GAP) / 24;
  const { x, y, w, h } = panel.gridPos;
  const place = { left: x * column + GAP, top: y * (CELL + GAP) + GAP, position: "absolute" };
  if (panel.type === "row") {
    return <div style={{ ...place, color: theme.colors.text.primary, fontSize: 16, fontWeight: 500, paddingTop: 6 }}>⌄ {panel.title}</div>;
  }
  const Kind = KINDS[panel.type];
  return (
    <div style={place}>
      <PanelChrome title={panel.title} width={w * column - GAP} height={h * (CELL + GAP) - GAP} padding={panel.type === "table" ? "none" : "md"}>
        {(width, height) => <Kind shown={shown} panel={panel} width={width} height={height} board={board} />}
      </PanelChrome>
    </div>
  );
}

function Board({ board }) {
  board.marks = begins(board.annotations, board.step);
  const bottom = Math.max(...board.panels.map(({ panel }) => panel.gridPos.y + panel.gridPos.h));
  const chosen = board.variables.map(({ name, label }) => [label, name === "datasource" ? "Prometheus" : board.chosen[name] ?? "All"]);
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <div style={{ background: theme.colors.background.canvas, width: WIDTH }}>
        <div style={{ color: theme.colors.text.primary, display: "flex", fontSize: 18, gap: 24, padding: "14px 16px 6px" }}>
          <b>{board.title}</b>
          {chosen.map(([label, value]) => (
            <span key={label} style={{ border: `1px solid ${theme.colors.border.medium}`, fontSize: 13, padding: "3px 8px" }}>
              <span style={{ color: theme.colors.text.secondary }}>{label}</span> {value}
            </span>
          ))}
        </div>
        <div style={{ height: bottom * (CELL + GAP) + GAP, position: "relative" }}>
          {board.panels.map((shown, place) => <Panel key={place} shown={shown} board={board} />)}
        </div>
      </div>
    </ThemeContext.Provider>
  );
}

window.grafanaBootData = { settings: {}, user: {} };
createRoot(document.getElementById("board")).render(<Board board={window.board} />);

import { render } from "preact";
import { App } from "./app.tsx";
import { startRouter } from "./router.ts";
import { startStore } from "./store.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/pages.css";
import "./styles/meeting.css";
import "./styles/tile.css";
import "./styles/panel.css";
import "./styles/dialog.css";
import "./styles/check.css";

startStore();
startRouter();

const root = document.getElementById("app");
if (root !== null) render(<App />, root);

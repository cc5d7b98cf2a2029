import { render } from "preact";
import { listen } from "./router.ts";
import { App } from "./shell/app.tsx";
import { keepSettings } from "./shell/settings.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import { followTheme } from "./trace/paint.ts";

keepSettings();
followTheme();
listen();
const root = document.getElementById("app");
if (root) render(<App />, root);

/* Tuning: what will be proposed here once something proposes, and what can be tuned by hand now. */

import { heading } from "../parts/heading.js";
import { empty } from "../parts/notices.js";
import { href } from "../router.js";

/** Show it. */
export async function show(root, _params, { workspace }) {
  root.append(
    heading("Tuning", { about: workspace }),
    empty({
      title: "No proposals",
      text:
        "A proposal is a change of settings with what it did to past prompts: which memories entered and left, and what they were worth. " +
        "They will be listed here to be taken or declined. This release makes none by itself. In the settings a change can be tried by hand on the latest 200 prompts before it is saved.",
      link: [href(["w", workspace, "settings"]), "Try a change of settings"],
    }),
  );
}

const session = await (await fetch("session")).json();
document.getElementById("main").textContent = session.needs_key ? "A key is needed." : "Logged in.";

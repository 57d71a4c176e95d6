// The page: lists the torrents, adds and removes them, and plays a file. Texts of strangers (names of
// torrents and files) only ever become text nodes.

const POLL_MS = 2000;
const SUBTITLES_MS = 30000;
const VIDEO = /\.(mp4|m4v|mkv|mk3d|webm|mov|qt|avi|divx|ts|m2ts|mts|trp|mpg|mpeg|mpe|m1v|m2v|mod|vob|wmv|asf|flv|f4v|3gp|3g2|ogv|ogm|rm|rmvb)$/i;

const $ = (id) => document.getElementById(id);

/** Makes an element: attributes and properties, then children (text or elements). */
function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function bytes(count) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  while (count >= 1024 && unit < units.length - 1) {
    count /= 1024;
    unit += 1;
  }
  return `${count.toFixed(unit === 0 || count >= 100 ? 0 : 1)} ${units[unit]}`;
}

function notice(text) {
  $("notice").textContent = text;
}

/** Fetches JSON; an answer that is not 2xx is an error with the server's own words. */
async function request(path, options) {
  const response = await fetch(path, options);
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    throw new Error(answer.error ?? `${response.status} ${response.statusText}`);
  }
  return answer;
}

const post = (value) => ({
  method: "POST",
  headers: { "Content-Type": "application/json" },
  body: JSON.stringify(value),
});

// --- adding

$("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  const source = $("source").value.trim();
  await add(() => request("/add", post(source.startsWith("magnet:") ? { magnetURI: source } : { infoHash: source })));
});

$("file").addEventListener("change", async () => {
  const [file] = $("file").files;
  if (file) {
    await add(() => request("/torrents", { method: "POST", body: file }));
    $("file").value = "";
  }
});

async function add(ask) {
  try {
    notice((await ask()).message);
    $("source").value = "";
    await refresh();
  } catch (error) {
    notice(error.message);
  }
}

// --- the list

const items = new Map(); // infohash -> what is on the page for it

async function refresh() {
  const torrents = await request("/torrents");
  const seen = new Set(torrents.map((torrent) => torrent.infoHash));
  for (const [hash, item] of items) {
    if (!seen.has(hash)) {
      item.element.remove();
      items.delete(hash);
    }
  }
  for (const torrent of torrents) {
    let item = items.get(torrent.infoHash);
    if (!item) {
      item = newItem(torrent.infoHash);
      items.set(torrent.infoHash, item);
      $("list").append(item.element);
    }
    update(item, torrent);
  }
  $("none").hidden = torrents.length > 0;
}

function newItem(hash) {
  const item = {
    title: make("h3"),
    facts: make("p", { className: "facts" }),
    error: make("p", { className: "error", hidden: true }),
    progress: make("progress", { max: 100, ariaLabel: "Downloaded" }),
    files: make("ul", { className: "files" }),
    filled: false,
  };
  const remove = make("button", { type: "button", textContent: "Remove" });
  remove.addEventListener("click", async () => {
    try {
      notice((await request(`/remove/${hash}`, { method: "DELETE" })).message);
      if (playing?.hash === hash) {
        close();
      }
      await refresh();
    } catch (error) {
      notice(error.message);
    }
  });
  item.actions = make("div", { className: "row" }, remove);
  item.element = make("li", {}, item.title, item.facts, item.error, item.progress, item.files, item.actions);
  return item;
}

function update(item, torrent) {
  item.title.textContent = torrent.name ?? torrent.infoHash;
  const facts = [torrent.state, `${torrent.peers} peers`];
  if (torrent.metadataCompleted) {
    facts.push(`${bytes(torrent.bytesCompleted)} of ${bytes(torrent.length)} (${torrent.percentCompleted.toFixed(1)} %)`);
    item.progress.value = torrent.percentCompleted;
  }
  facts.push(`${bytes(torrent.downloadBytesPerSecond)}/s`);
  item.facts.textContent = facts.join(" · ");
  item.progress.hidden = !torrent.metadataCompleted;
  item.error.hidden = !torrent.error;
  item.error.textContent = torrent.error ?? "";
  if (torrent.metadataCompleted && !item.filled) {
    item.filled = true;
    torrent.files.forEach((file, index) => item.files.append(fileLine(torrent.infoHash, file, index)));
    if (torrent.files.some((file) => VIDEO.test(file.path))) {
      item.actions.prepend(make("a", { href: `/playlist/${torrent.infoHash}.m3u`, textContent: "Playlist for VLC" }));
    }
  }
}

function fileLine(hash, file, index) {
  const name = file.path.split("/").pop();
  const direct = `/stream/${hash}/${index}/${encodeURIComponent(name)}`;
  const line = make(
    "li",
    {},
    make("span", { className: "name", textContent: file.path }),
    make("span", { className: "size", textContent: bytes(file.length) }),
  );
  if (VIDEO.test(file.path)) {
    const play = make("button", { type: "button", textContent: "Play", ariaLabel: `Play ${name}` });
    play.addEventListener("click", () => open({ hash, index, name, direct }));
    line.append(play);
  }
  line.append(make("a", { href: direct, textContent: "Direct", ariaLabel: `Direct address of ${name}` }));
  return line;
}

// --- playing

let playing = null;

function open(file) {
  playing = file;
  $("player").hidden = false;
  $("playing").textContent = file.name;
  $("direct").href = file.direct;
  trouble("");
  const video = $("video");
  if (!nativeHls()) {
    trouble("This browser cannot play HLS by itself. Open the address below in VLC or another player; " +
      "below, the browser tries the file as it is.");
    video.src = file.direct;
  } else {
    video.src = `/hls/${file.hash}/${file.index}/master.m3u8`;
  }
  video.play().catch(() => {}); // the browser may want a click first
  offerSubtitles(file);
  $("player").scrollIntoView({ block: "start" });
  video.focus();
  watch(file);
}

function close() {
  playing = null;
  const video = $("video");
  video.replaceChildren();
  $("sounds").hidden = true;
  video.removeAttribute("src");
  video.load();
  $("player").hidden = true;
}

/** Subtitles for the browser's own menu, as far as they are known; where the browser finds them in HLS, those. */
async function offerSubtitles(file) {
  const video = $("video");
  video.replaceChildren();
  const tracks = new Map();
  while (playing === file) {
    const { subtitles } = await request(`/subtitles/${file.hash}/${file.index}`).catch(() => ({ subtitles: null }));
    if (playing !== file) {
      return;
    }
    if (video.textTracks.length > tracks.size) {
      video.replaceChildren(); // it has found them itself
      return;
    }
    for (const one of subtitles ?? []) {
      let track = tracks.get(one.id);
      if (!track) {
        track = make("track", { kind: "subtitles", label: one.name ?? one.language ?? one.id, srclang: one.language ?? "" });
        tracks.set(one.id, track);
        video.append(track);
      }
      if (!track.dataset.complete) {
        track.src = `${one.vtt}?known=${Math.floor(one.known)}`; // another address, so that it is read anew
        track.dataset.complete = one.complete ? "yes" : "";
      }
    }
    if (subtitles?.every((one) => one.complete)) {
      return;
    }
    await new Promise((done) => setTimeout(done, subtitles ? SUBTITLES_MS : POLL_MS));
  }
}

/** A menu of sounds, where there are several: each goes with the picture in a playlist of its own. */
async function offerSounds(file) {
  const { tracks, hls } = await request(`/probe/${file.hash}/${file.index}`);
  const sounds = tracks.filter((track) => track.kind === "audio" && !track.reason);
  if (playing !== file || sounds.length < 2 || hls.video === undefined) {
    return;
  }
  const select = $("sound");
  select.replaceChildren(...sounds.map((track) => make("option", {
    value: track.id,
    textContent: track.name ?? track.language ?? `Track ${track.id}`,
    selected: track.id === hls.audio,
  })));
  select.onchange = () => {
    const video = $("video");
    const at = video.currentTime;
    const format = hls.container === "ts" ? "ts" : "mp4";
    const name = Number(select.value) === hls.audio ? "master" : `v${hls.video}a${select.value}-${format}`;
    video.src = `/hls/${file.hash}/${file.index}/${name}.m3u8`;
    video.addEventListener("loadedmetadata", () => {
      video.currentTime = at;
      video.play().catch(() => {});
    }, { once: true });
  };
  $("sounds").hidden = false;
}

/** Whether the browser plays HLS by itself. */
function nativeHls() {
  return $("video").canPlayType("application/vnd.apple.mpegurl") !== "";
}

function trouble(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = text === "";
}

/** Tells why a file cannot be played, as soon as the server knows. */
async function watch(file) {
  while (playing === file) {
    try {
      const progress = await request(`/progress/${file.hash}/${file.index}`);
      if (playing !== file) {
        return;
      }
      if (progress.hls === true && nativeHls()) {
        trouble("");
        offerSounds(file).catch(() => {});
        // A media element asks once; on a slow swarm that may have been too early.
        const video = $("video");
        if (video.error) {
          video.src = `/hls/${file.hash}/${file.index}/master.m3u8`;
          video.play().catch(() => {});
        }
      } else if (progress.hls === false) {
        trouble(`${progress.error} The address below works in VLC and other players.`);
      } else if (progress.error) {
        trouble(progress.error);
      }
      if (progress.hls !== null && progress.hls !== undefined) {
        return;
      }
    } catch (error) {
      trouble(error.message);
    }
    await new Promise((done) => setTimeout(done, POLL_MS));
  }
}

$("video").addEventListener("error", () => {
  if (playing && $("trouble").hidden) {
    trouble("The browser cannot play this. Open the address below in VLC or another player.");
  }
});

$("close").addEventListener("click", close);

$("copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText($("direct").href);
    notice("Copied.");
  } catch {
    notice($("direct").href); // no clipboard without https: show it instead
  }
});

// --- polling

async function poll() {
  if (!document.hidden) {
    try {
      await refresh();
    } catch {
      notice("The server does not answer.");
    }
  }
  setTimeout(poll, POLL_MS);
}

poll();

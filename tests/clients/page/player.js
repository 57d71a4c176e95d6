// Plays ?src= through hls.js (or, with &native, through the browser itself) and tells what is seen and heard. The test drives it through window.player.
import { instruments } from './instruments.js';

const query = new URLSearchParams(location.search);
const video = document.getElementById('video');
const player = instruments(video);
window.player = player;

if (query.has('native')) {
  video.src = query.get('src');
} else {
  const hls = new Hls({ backBufferLength: Infinity });
  hls.on(Hls.Events.ERROR, (_event, data) => player.errors.push({ details: data.details, fatal: data.fatal, reason: data.reason ?? data.error?.message }));
  hls.on(Hls.Events.FRAG_BUFFERED, () => player.fragments++);
  hls.loadSource(query.get('src'));
  hls.attachMedia(video);
  player.hls = hls;
}

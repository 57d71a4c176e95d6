// Eyes and ears on a <video>: the second drawn into its picture, the loudest pitch of its sound, and how its clock runs against the wall clock.
export function instruments(video) {
  const canvas = document.createElement('canvas');
  const context = canvas.getContext('2d', { willReadFrequently: true });
  let analyser;

  const player = {
    errors: [],
    fragments: 0,
    samples: [],
    readings: [],
    /** The second in the picture on show, or null when the white and black squares are not there. A square is 1/32 of the picture's width. */
    second() {
      const size = video.videoWidth / 32;
      canvas.width = Math.ceil(size * 8);
      canvas.height = Math.ceil(size);
      context.drawImage(video, 0, 0, canvas.width, canvas.height, 0, 0, canvas.width, canvas.height);
      const light = [...Array(8).keys()].map((i) => context.getImageData(Math.floor((i + 0.5) * size), Math.floor(size / 2), 1, 1).data[1]);
      if (light[0] < 180 || light[1] > 75) return null;
      return light.slice(2).reduce((sum, value, bit) => sum + (value > 128 ? 1 << bit : 0), 0);
    },
    /** Opens the ears. Must be called once, before sound(). */
    async listen() {
      const audio = new AudioContext();
      analyser = audio.createAnalyser();
      analyser.fftSize = 8192;
      const source = audio.createMediaElementSource(video);
      source.connect(analyser);
      analyser.connect(audio.destination);
      await audio.resume();
      player.audioRate = audio.sampleRate;
    },
    /** {hertz, decibel} of the loudest pitch now. */
    sound() {
      const levels = new Float32Array(analyser.frequencyBinCount);
      analyser.getFloatFrequencyData(levels);
      const loudest = levels.reduce((best, value, bin) => (value > levels[best] ? bin : best), 0);
      return { hertz: Math.round((loudest * player.audioRate) / analyser.fftSize), decibel: Math.round(levels[loudest]) };
    },
    state() {
      const quality = video.getVideoPlaybackQuality();
      const buffered = [...Array(video.buffered.length).keys()].map((i) => [video.buffered.start(i), video.buffered.end(i)]);
      return {
        time: video.currentTime, duration: video.duration, paused: video.paused, ended: video.ended, readyState: video.readyState, seeking: video.seeking,
        frames: quality.totalVideoFrames, dropped: quality.droppedVideoFrames, width: video.videoWidth, buffered,
        errors: player.errors, fragments: player.fragments, error: video.error?.message ?? null,
      };
    },
    /** Writes down the video's clock against the wall's, every 50 ms, until it ends. */
    record() {
      const take = () => {
        player.samples.push([performance.now() / 1000, video.currentTime]);
        if (!video.ended) setTimeout(take, 50);
      };
      take();
      const frame = (_now, data) => {
        player.readings.push([data.mediaTime, player.second()]);
        if (!video.ended) video.requestVideoFrameCallback(frame);
      };
      video.requestVideoFrameCallback(frame);
    },
  };
  return player;
}

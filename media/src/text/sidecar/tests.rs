//! Names as torrents have them.

use super::*;
use proptest::prelude::*;

/// What is found for the first path: index, language, name.
fn found(paths: &[&str]) -> Vec<(usize, Option<String>, String)> {
    let found = find(paths[0], paths);
    found.into_iter().map(|file| (file.index, file.language, file.name)).collect()
}

/// Language, name, forced, for the hard of hearing.
fn label(film: &str, file: &str) -> Option<(String, String, bool, bool)> {
    // Another film, so that the names must match.
    let file = find(film, &[film, file, "Quite/Another.mkv"]).pop()?;
    Some((file.language.unwrap_or_default(), file.name, file.forced, file.hearing_impaired))
}

#[test]
fn names_next_to_the_film() {
    for (film, file, language, name) in [
        ("Film.mkv", "Film.srt", "", "Subtitles"),
        ("Film.mkv", "film.SRT", "", "Subtitles"),
        ("a/Film.2019.mkv", "a/Film.2019.en.srt", "en", "English"),
        ("a/Film.2019.mkv", "a/Film.2019.eng.srt", "en", "English"),
        ("a/Film.2019.mkv", "a/Film.2019.en.forced.srt", "en", "English (forced)"),
        ("a/Film.2019.mkv", "a/Film.2019.eng.hi.srt", "en", "English (SDH)"),
        ("a/Film.2019.mkv", "a/Film.2019.hi.srt", "hi", "Hindi"),
        ("a/Film.2019.mkv", "a/Film.2019.pt-BR.srt", "pt-BR", "Portuguese (Brazil)"),
        ("a/Film.2019.mkv", "a/Film.2019.pt_BR.srt", "pt-BR", "Portuguese (Brazil)"),
        ("a/Film.2019.mkv", "a/Film.2019.pob.srt", "pt-BR", "Portuguese (Brazil)"),
        ("a/Film.2019.mkv", "a/Film.2019-English [SDH].srt", "en", "English (SDH)"),
        ("a/Film.2019.mkv", "a/Film.2019.Brazilian Portuguese.ass", "pt-BR", "Portuguese (Brazil)"),
        ("a/Film.2019.mkv", "a/Film.2019.zh-Hant.vtt", "zh-Hant", "Chinese (Traditional)"),
        ("a/Film.2019.mkv", "a/Film.2019.chs.ass", "zh-Hans", "Chinese (Simplified)"),
        ("a/Film.2019.mkv", "a/Film.2019.简体中文.ass", "zh-Hans", "Chinese (Simplified)"),
        ("a/Film.2019.mkv", "a/Film.2019.Signs.and.Songs.ass", "", "Signs and Songs"),
        ("a/Film.2019.mkv", "a/Film.2019.ger.default.srt", "de", "German"),
        ("a/Film.2019.mkv", "a/Film.2019-eng.srt", "en", "English"),
        ("a/Film.2019.mkv", "a/Subs/2_English.srt", "-", ""),
        ("a/Film.2019.mkv", "a/Subs/Film.2019/2_English.srt", "en", "English"),
        ("a/Film.2019.mkv", "a/Subs/Film.2019/10_French.srt", "fr", "French"),
        ("a/Film.2019.mkv", "a/Subs/Film.2019/SDH.eng.HI.srt", "en", "English (SDH)"),
        ("a/Film.2019.mkv", "a/Subs/Film.2019.it.srt", "it", "Italian"),
        ("a/Film.2019.mkv", "a/Subtitles/Spanish/Film.2019.srt", "es", "Spanish"),
        ("S/Season 1/Show.S01E02.720p.mkv", "S/Season 1/Show.S01E02.en.srt", "en", "English"),
        ("S/Season 1/Show.S01E02.720p.mkv", "S/Subs/show.1x02.french.srt", "fr", "French"),
        ("S/Show.S01E02.mkv", "S/Show.S01E03.en.srt", "-", ""),
        ("S/Show.S01E02.mkv", "S/Subs/Show.S01E03/2_English.srt", "-", ""),
        ("a/Film.mkv", "b/Film.srt", "-", ""),
        ("a/Film.mkv", "a/Filmed.srt", "-", ""),
        ("a/Film.mkv", "a/Film.sub", "-", ""),
        ("a/Film.mkv", "a/Film.txt", "-", ""),
        ("a/Amélie.mkv", "a/AMÉLIE.fr.srt", "fr", "French"),
    ] {
        let wanted = (language != "-").then(|| (language.to_owned(), name.to_owned()));
        let found = label(film, file).map(|(language, name, ..)| (language, name));
        assert_eq!(found, wanted, "{film}: {file}");
    }
    assert_eq!(label("F.mkv", "F.en.forced.srt").map(|found| (found.2, found.3)), Some((true, false)));
    assert_eq!(label("F.mkv", "F.en.sdh.srt").map(|found| (found.2, found.3)), Some((false, true)));
}

#[test]
fn a_film_alone_takes_all() {
    let names = found(&[
        "The.Italian.Job.1080p.BluRay/The.Italian.Job.1080p.BluRay.mp4",
        "The.Italian.Job.1080p.BluRay/Subs/2_English.srt",
        "The.Italian.Job.1080p.BluRay/Subs/3_English.srt",
        "The.Italian.Job.1080p.BluRay/Subs/4_Italian.srt",
        "The.Italian.Job.1080p.BluRay/The.Italian.Job.srt",
        "The.Italian.Job.1080p.BluRay/Subs/English [SDH].srt",
        "The.Italian.Job.1080p.BluRay/Subs/Latin American.spa.srt",
        "The.Italian.Job.1080p.BluRay/Subs/2_eng.srt",
        "The.Italian.Job.1080p.BluRay/Sample/sample.mkv",
        "The.Italian.Job.1080p.BluRay/Subs/x.idx",
    ]);
    let wanted = [
        (1, "en", "English"),
        (2, "en", "English 2"),
        (3, "it", "Italian"),
        (4, "", "Subtitles"),
        (5, "en", "English (SDH)"),
        (6, "es-419", "Spanish (Latin America)"),
        (7, "en", "English 3"),
    ];
    assert_eq!(
        names,
        wanted.map(|(at, tag, name)| (
            at,
            Some(tag.to_owned()).filter(|tag| !tag.is_empty()),
            name.to_owned()
        ))
    );
}

#[test]
fn a_longer_name_has_the_better_claim() {
    let paths = ["Film.mkv", "Film 2.mkv", "Film 2.en.srt", "Film.en.srt"];
    assert_eq!(found(&paths), [(3, Some("en".to_owned()), "English".to_owned())]);
}

proptest! {
    #[test]
    fn any_paths(paths in proptest::collection::vec("[a-cS0-2Eé /._-]{0,12}(/Subs/|/)?[a-c]{0,3}\\.(srt|mkv|ass)", 1..8)) {
        let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
        let found = find(paths[0], &paths);
        let mut names: Vec<&str> = found.iter().map(|file| file.name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        prop_assert_eq!(names.len(), found.len());
    }
}

//! What a track is for (RFC 9559 sections 5.1.4.1.6 to 5.1.4.1.11).

use crate::error::Error;
use crate::mkv::ebml::{Element, id};
use crate::track::Roles;

/// Takes over the flag that `child` of a TrackEntry is, if it is one.
pub(super) fn read_flag(roles: &mut Roles, child: &Element<'_>) -> Result<(), Error> {
    let role = match child.id {
        id::FLAG_FORCED => &mut roles.forced,
        id::FLAG_HEARING_IMPAIRED => &mut roles.hearing_impaired,
        // A text that describes the pictures is for the same people.
        id::FLAG_VISUAL_IMPAIRED | id::FLAG_TEXT_DESCRIPTIONS => &mut roles.visual_impaired,
        id::FLAG_ORIGINAL => &mut roles.original,
        id::FLAG_COMMENTARY => &mut roles.commentary,
        _ => return Ok(()),
    };
    *role |= child.uint()? != 0;
    Ok(())
}

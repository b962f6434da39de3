//! Passwords as an attacker's program sees them: without capitals and without the usual substitutions.

/// The characters of a text in lower case, signs and digits that stand for letters replaced. `l` and `i`
/// are one, because `1` and `!` stand for both. The same form is in scripts/common-passwords.
pub fn canonical(text: &str) -> impl Iterator<Item = char> + Clone {
    text.chars()
        .flat_map(char::to_lowercase)
        .map(|char| match char {
            '@' | '4' => 'a',
            '8' => 'b',
            '(' => 'c',
            '3' => 'e',
            '1' | 'l' | '!' | '|' => 'i',
            '0' => 'o',
            '$' | '5' => 's',
            '7' | '+' => 't',
            other => other,
        })
}

/// The canonical characters without what people put between words.
pub fn joined(text: &str) -> impl Iterator<Item = char> + Clone {
    canonical(text).filter(|char| !matches!(char, ' ' | '.' | '_' | '-' | '\''))
}

/// Without a canonical copy of the password, which would have to be wiped.
pub fn same(a: &str, b: &str) -> bool {
    canonical(a).eq(canonical(b))
}

/// How many characters of the password are left without this word; `None` when the word is not in it.
pub fn rest_without(password: &str, word: &str) -> Option<usize> {
    let length = joined(word).count();
    let mut at = joined(password);
    let mut rest = 0;
    let mut found = false;
    loop {
        let here = at.clone().take(length);
        if length > 0 && here.eq(joined(word)) {
            found = true;
            at.by_ref().take(length).for_each(drop);
        } else if at.next().is_some() {
            rest += 1;
        } else {
            return found.then_some(rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn substitutions_are_undone() {
        for (typed, form) in [
            ("P@$$w0rd!", "passwordi"),
            ("LEET|1337", "ieetiieet"),
            ("(4$7+8", "casttb"),
            ("ÄPFEL", "äpfei"),
        ] {
            assert!(
                canonical(typed).eq(form.chars()),
                "{typed}: {}",
                canonical(typed).collect::<String>()
            );
        }
        assert!(same("Tr0ub4dor", "troubador"));
        assert!(!same("troubador", "troubadour"));
    }

    #[test]
    fn rest_is_what_the_word_does_not_cover() {
        for (password, word, rest) in [
            ("carol.king", "Carol-King", Some(0)),
            ("C4r0l_K1ng-2024", "carol.king", Some(4)),
            ("kingcarolking", "king", Some(5)),
            ("aaaaa", "aa", Some(1)),
            ("harbour", "carol", None),
            ("car", "carol", None),
            ("anything", "", None),
            ("anything", "...", None),
        ] {
            assert_eq!(rest_without(password, word), rest, "{password} {word}");
        }
    }
}

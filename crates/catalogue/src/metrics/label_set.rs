//! Closed sets of label values, as types.

/// A closed set of label values: every combination is known at compile time.
pub trait LabelSet: Copy + Send + Sync + 'static {
    /// How many combinations there are.
    const COUNT: usize;
    /// The label names, in order.
    fn names() -> Vec<&'static str>;
    /// The values of combination `index`, in the order of [`LabelSet::names`].
    fn values_at(index: usize) -> Vec<&'static str>;
    /// The position of this combination.
    fn index(self) -> usize;
}

impl LabelSet for () {
    const COUNT: usize = 1;
    fn names() -> Vec<&'static str> {
        Vec::new()
    }
    fn values_at(_: usize) -> Vec<&'static str> {
        Vec::new()
    }
    fn index(self) -> usize {
        0
    }
}

impl<A: LabelSet, B: LabelSet> LabelSet for (A, B) {
    const COUNT: usize = A::COUNT * B::COUNT;
    fn names() -> Vec<&'static str> {
        [A::names(), B::names()].concat()
    }
    fn values_at(index: usize) -> Vec<&'static str> {
        [
            A::values_at(index / B::COUNT),
            B::values_at(index % B::COUNT),
        ]
        .concat()
    }
    fn index(self) -> usize {
        self.0.index() * B::COUNT + self.1.index()
    }
}

/// Declares an enum whose variants are the only values that its labels can take.
///
/// One enum may have several labels, so that impossible combinations (`outcome="success",
/// reason="bad_password"`) have no series.
macro_rules! label_set {
    ($(#[$meta:meta])* pub enum $name:ident [$($label:literal),+] {
        $($(#[$vmeta:meta])* $variant:ident = [$($value:literal),+],)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant,)+ }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The label values of this variant, in the order of the label names.
            #[must_use]
            pub const fn label_values(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($value),+],)+ }
            }

            /// The last label value, which is the most specific word.
            #[must_use]
            pub const fn word(self) -> &'static str {
                let values = self.label_values();
                values[values.len() - 1]
            }
        }

        impl $crate::metrics::LabelSet for $name {
            const COUNT: usize = Self::ALL.len();
            fn names() -> Vec<&'static str> { vec![$($label),+] }
            fn values_at(index: usize) -> Vec<&'static str> {
                Self::ALL[index].label_values().to_vec()
            }
            fn index(self) -> usize { self as usize }
        }
    };
}
pub(crate) use label_set;

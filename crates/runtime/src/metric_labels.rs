//! Labels of metrics: closed sets, so that no id can ever become one.

/// One label whose values are an enum's variants.
pub trait Label: Copy + 'static {
    /// The label's name, such as `provider`.
    const NAME: &'static str;
    /// Every value, so that series exist before their first event.
    const ALL: &'static [Self];

    /// The variant's text.
    fn value(self) -> &'static str;
}

/// The labels of one metric: none, one enum, or a tuple of two or three.
pub trait Labels: Copy + 'static {
    /// Name and value of each.
    fn pairs(self) -> Vec<(&'static str, &'static str)>;

    /// Every combination.
    fn all() -> Vec<Self>;
}

impl Labels for () {
    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        Vec::new()
    }

    fn all() -> Vec<Self> {
        vec![()]
    }
}

impl<A: Label> Labels for A {
    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        vec![(A::NAME, self.value())]
    }

    fn all() -> Vec<Self> {
        A::ALL.to_vec()
    }
}

impl<A: Label, B: Label> Labels for (A, B) {
    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        vec![(A::NAME, self.0.value()), (B::NAME, self.1.value())]
    }

    fn all() -> Vec<Self> {
        let firsts = A::ALL.iter();
        firsts
            .flat_map(|a| B::ALL.iter().map(|b| (*a, *b)))
            .collect()
    }
}

impl<A: Label, B: Label, C: Label> Labels for (A, B, C) {
    fn pairs(self) -> Vec<(&'static str, &'static str)> {
        let (a, b, c) = self;
        vec![
            (A::NAME, a.value()),
            (B::NAME, b.value()),
            (C::NAME, c.value()),
        ]
    }

    fn all() -> Vec<Self> {
        let firsts = A::ALL.iter();
        let rests = <(B, C)>::all();
        firsts
            .flat_map(|a| rests.iter().map(|(b, c)| (*a, *b, *c)))
            .collect()
    }
}

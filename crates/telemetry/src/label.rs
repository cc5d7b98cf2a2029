//! Closed sets of label values.
//!
//! A label value comes from outside only through one of these enums or a `&'static str`, so that a
//! hostile client cannot create series.

/// Declares an enum whose variants are the values of one label.
///
/// Generates `ALL` (every variant, in order), `as_str` (the value on the metrics page) and
/// the encoding. The label's key is written once, beside the values.
macro_rules! label_enum {
    (
        $(#[$doc:meta])*
        pub enum $name:ident($key:literal) {
            $($(#[$variant_doc:meta])* $variant:ident = $value:literal,)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
        }

        impl $name {
            /// Every value, in the order of declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The value as the metrics page shows it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $value,)+
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl ::prometheus_client::encoding::EncodeLabelValue for $name {
            fn encode(
                &self,
                encoder: &mut ::prometheus_client::encoding::LabelValueEncoder<'_>,
            ) -> ::std::result::Result<(), ::std::fmt::Error> {
                ::prometheus_client::encoding::EncodeLabelValue::encode(&self.as_str(), encoder)
            }
        }

        impl ::prometheus_client::encoding::EncodeLabelSet for $name {
            fn encode(
                &self,
                encoder: &mut ::prometheus_client::encoding::LabelSetEncoder<'_>,
            ) -> ::std::result::Result<(), ::std::fmt::Error> {
                ::prometheus_client::encoding::EncodeLabel::encode(
                    &($key, *self),
                    encoder.encode_label(),
                )
            }
        }
    };
}

pub(crate) use label_enum;

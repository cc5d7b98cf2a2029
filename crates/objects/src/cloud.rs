//! Clients of remote stores: settings from the environment, retries, counted HTTP exchanges.
//!
//! What the environment may say is up to the clients of `object_store`: variables that begin with `AWS_`,
//! `GOOGLE_` or `AZURE_`, and without keys in them the credentials of the machine, the container or the
//! workload. This is the one place that reads them; the names are theirs, not ours, so they are not
//! options of the command line.

use std::str::FromStr;
use std::sync::Arc;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, S3ConditionalPut};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::{BackoffConfig, ClientConfigKey, ObjectStore, RetryConfig};
use spandrel_telemetry::ObjectsMetrics;
use url::Url;

use crate::attempts::CountingConnector;
use crate::{ObjectsError, ObjectsOptions, RetryOptions};

/// What all clients have in common.
pub(crate) struct Cloud<'a> {
    pub(crate) place: String,
    pub(crate) options: &'a ObjectsOptions,
    pub(crate) metrics: &'a ObjectsMetrics,
}

impl Cloud<'_> {
    pub(crate) fn s3(&self, bucket: &str) -> Result<Arc<dyn ObjectStore>, ObjectsError> {
        let mut builder = AmazonS3Builder::from_env();
        for (key, value) in self.settings::<AmazonS3ConfigKey>()? {
            builder = builder.with_config(key, value);
        }
        let endpoint = builder
            .get_config_value(&AmazonS3ConfigKey::S3Endpoint)
            .or_else(|| builder.get_config_value(&AmazonS3ConfigKey::Endpoint));
        let allows_http = AmazonS3ConfigKey::Client(ClientConfigKey::AllowHttp);
        let allows_http = builder.get_config_value(&allows_http);
        self.check_endpoint(endpoint, allows_http, "AWS_ALLOW_HTTP")?;
        let built = builder
            .with_bucket_name(bucket)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_retry(retry_config(&self.options.retry))
            .with_http_connector(self.connector())
            .build();
        Ok(Arc::new(self.built(built)?))
    }

    pub(crate) fn gcs(&self, bucket: &str) -> Result<Arc<dyn ObjectStore>, ObjectsError> {
        let mut builder = GoogleCloudStorageBuilder::from_env();
        for (key, value) in self.settings::<GoogleConfigKey>()? {
            builder = builder.with_config(key, value);
        }
        let endpoint = builder.get_config_value(&GoogleConfigKey::BaseUrl);
        let allows_http = GoogleConfigKey::Client(ClientConfigKey::AllowHttp);
        let allows_http = builder.get_config_value(&allows_http);
        self.check_endpoint(endpoint, allows_http, "GOOGLE_ALLOW_HTTP")?;
        let built = builder
            .with_bucket_name(bucket)
            .with_retry(retry_config(&self.options.retry))
            .with_http_connector(self.connector())
            .build();
        Ok(Arc::new(self.built(built)?))
    }

    pub(crate) fn azure(&self, url: &str) -> Result<Arc<dyn ObjectStore>, ObjectsError> {
        let mut builder = MicrosoftAzureBuilder::from_env();
        for (key, value) in self.settings::<AzureConfigKey>()? {
            builder = builder.with_config(key, value);
        }
        let endpoint = builder.get_config_value(&AzureConfigKey::Endpoint);
        let allows_http = AzureConfigKey::Client(ClientConfigKey::AllowHttp);
        let allows_http = builder.get_config_value(&allows_http);
        self.check_endpoint(endpoint, allows_http, "AZURE_ALLOW_HTTP")?;
        let built = builder
            .with_url(url)
            .with_retry(retry_config(&self.options.retry))
            .with_http_connector(self.connector())
            .build();
        Ok(Arc::new(self.built(built)?))
    }

    fn connector(&self) -> CountingConnector {
        CountingConnector::new(self.metrics.clone())
    }

    fn built<T>(&self, built: object_store::Result<T>) -> Result<T, ObjectsError> {
        built.map_err(|source| ObjectsError::Settings { place: self.place.clone(), source })
    }

    fn settings<K: FromStr>(&self) -> Result<Vec<(K, String)>, ObjectsError> {
        let settings = self.options.settings.0.iter().map(|(name, value)| {
            let key = name.to_ascii_lowercase().parse().map_err(|_unknown| {
                ObjectsError::UnknownSetting { place: self.place.clone(), name: name.clone() }
            });
            Ok((key?, value.clone()))
        });
        settings.collect()
    }

    /// An endpoint of one's own must not carry secrets, and plain http must have been allowed: the client
    /// would say so only at the first request, and in other words.
    fn check_endpoint(
        &self,
        endpoint: Option<String>,
        allows_http: Option<String>,
        variable: &'static str,
    ) -> Result<(), ObjectsError> {
        let Some(url) = endpoint.and_then(|endpoint| Url::parse(&endpoint).ok()) else {
            return Ok(());
        };
        if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
            return Err(ObjectsError::CredentialsInEndpoint { place: self.place.clone() });
        }
        let allowed = allows_http.is_some_and(|allowed| allowed.eq_ignore_ascii_case("true"));
        if url.scheme() == "http" && !allowed {
            return Err(ObjectsError::PlainHttp { place: self.place.clone(), variable });
        }
        Ok(())
    }
}

fn retry_config(options: &RetryOptions) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: options.pause_first,
            max_backoff: options.pause_max,
            base: 2.0,
        },
        max_retries: options.retries_max,
        retry_timeout: options.retry_within,
    }
}

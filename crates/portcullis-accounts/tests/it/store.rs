use portcullis_accounts::{store::MemoryStore, testing::suite};

#[tokio::test]
async fn the_store_in_memory_passes_the_suite() {
    suite::organizations(MemoryStore::new()).await;
    suite::all(&MemoryStore::new().into()).await;
}

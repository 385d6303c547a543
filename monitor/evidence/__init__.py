"""Evidence: packets and firmware images that incidents are about, as files beside the journal."""

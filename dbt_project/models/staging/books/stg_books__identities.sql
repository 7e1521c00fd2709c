select
    kind as identity_kind,
    source_key,
    id as surrogate_id
from {{ source('books', 'identities') }}

with navs as (
    {{ now_known(source('amfi', 'navs'), ['nav_date', 'scheme_code']) }}
)

select
    nav_date,
    scheme_code,
    nav,
    load_id,
    line as source_line
from navs
where nav is not null -- a recorded observation may be that no NAV was published

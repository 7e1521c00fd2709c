select
    nights.night,
    nights.valuation_date
from {{ source('ops', 'nights') }} as nights
inner join {{ source('ops', 'night') }} as tonight
    on nights.night <= tonight.night

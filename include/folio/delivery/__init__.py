"""How figures leave: mails and their pictures. Reads what is published, decides no figure."""

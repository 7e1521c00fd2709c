"""What the Dags share; the only folder of the package that imports Airflow."""
